"""Broken elements: one field's error each, the rest of the answer stands, and no value leaks."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count, product
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frontdoor import Gateway, opened
from gateway.shapes import GROUP, MARKER, Object, Path, example, judge, places, replaced
from gateway.upstream import Shelf
from group_gateway.app import create_app
from group_gateway.config import Settings

ID = "1"
GOOD = example() | {"id": ID, "resourceType": "Group"}
WRONG: list[Any] = [
    *(True, 5, 2.0, 2**31, 10**400, MARKER, "", None),
    *([], [None], [MARKER], [[]], {}, {"unknown": MARKER}, {"text": 5}, {"reference": [MARKER]}),
]
BROKEN = "UPSTREAM_INVALID_RESPONSE"
_numbers = count()


@pytest.fixture
def shelf() -> Shelf:
    """Return an upstream that sends what a test puts into it."""
    return Shelf()


@pytest.fixture
async def gateway(shelf: Shelf) -> AsyncIterator[Gateway]:
    """Yield a gateway that asks it anew each time."""
    known = Settings(upstream_url="http://upstream.test", cache_ttl=0)
    async with opened(create_app(known, transport=httpx.ASGITransport(app=shelf.app()))) as made:
        yield made


def unseen(query: str) -> str:
    """Return a query that no gateway has seen before, so that it has nothing compiled for it."""
    return f"{query} # {next(_numbers)}"


def errors_of(answer: Any) -> list[Path]:
    """Return the paths of an answer's errors, having checked all else about them."""
    errors = answer.get("errors", [])
    for error in errors:
        assert error["extensions"]["code"] == BROKEN, error
        assert error["locations"]
        assert MARKER not in json.dumps(error)
    return [tuple(error["path"]) for error in errors]


async def check(gateway: Gateway, shelf: Shelf, group: Any, kind: Object = GROUP) -> None:
    """Check that the gateway shows what it can of a group, and reports the rest as errors."""
    shown, errors = judge(kind, group, ("group",))
    id = shelf.put(group)
    answer = await gateway(f"query ($id: ID!) {{ group(id: $id) {kind.query()} }}", id=id)
    assert answer["data"] == {"group": shown}
    assert Counter(errors_of(answer)) == Counter(errors)


async def test_a_good_group_has_no_errors(gateway: Gateway, shelf: Shelf) -> None:
    """Every element of the contract is shown as the upstream has it."""
    await check(gateway, shelf, GOOD)
    assert judge(GROUP, GOOD, ())[1] == []


ELEMENTS = [name for name in GOOD if name not in {"id", "resourceType"}]


@pytest.mark.parametrize("name", ELEMENTS)
async def test_a_broken_element_is_one_error(gateway: Gateway, shelf: Shelf, name: str) -> None:
    """Any value in place of an element, or of a part of it, is shown or is an error."""
    kind, value = GROUP.elements[name], GOOD[name]
    head = {key: GOOD[key] for key in ("id", "resourceType")}
    alone = Object({name: kind})
    for wrong in WRONG:
        await check(gateway, shelf, head | {name: wrong}, alone)
    if isinstance(value, list):  # all at once, each in an item of its own
        items = [replaced(value[0], p, wrong) for p, wrong in product(places(value[0]), WRONG)]
        await check(gateway, shelf, head | {name: items}, alone)
    elif isinstance(value, dict):
        for path, wrong in product(places(value), WRONG):
            await check(gateway, shelf, head | {name: replaced(value, path, wrong)}, alone)


@pytest.mark.parametrize("name", ELEMENTS)
async def test_a_missing_element_is_null_or_empty(
    gateway: Gateway, shelf: Shelf, name: str
) -> None:
    """An absent element is no error."""
    group = {key: value for key, value in GOOD.items() if key != name}
    assert judge(GROUP, group, ())[1] == []
    await check(gateway, shelf, group)


async def test_unknown_elements_are_left_alone(gateway: Gateway, shelf: Shelf) -> None:
    """Elements that the contract does not name have no effect, wherever they are."""
    extra = {"extension": [{"url": MARKER}], "_name": None, "contained": 5}
    group = GOOD | extra | {"member": [member | extra for member in GOOD["member"]]}
    await check(gateway, shelf, group)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([MARKER, f"Patient/{MARKER}", "person", "Group/1", "responsibility"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["text", "coding", "code", "reference", "entity", "value", "start", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
mutations = st.lists(st.tuples(st.integers(0, 10_000), json_values), min_size=1, max_size=6)


def mutated(changes: list[tuple[int, Any]]) -> Any:
    """Return the good group with other values in some places; its head stays."""
    group = GOOD
    for number, value in changes:
        known = [path for path in places(group) if path not in {("id",), ("resourceType",)}]
        group = replaced(group, known[number % len(known)], value)
    return group


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(changes=mutations)
async def test_any_group_is_shown_as_far_as_it_can_be(
    gateway: Gateway, shelf: Shelf, changes: list[tuple[int, Any]]
) -> None:
    """Elements that are not broken are shown, whatever else is broken."""
    await check(gateway, shelf, mutated(changes))


@pytest.mark.no_cover  # thrice as fast, and others cover what it runs
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(changes=mutations, data=st.data())
async def test_any_bytes_are_answered(
    gateway: Gateway, shelf: Shelf, changes: list[tuple[int, Any]], data: st.DataObject
) -> None:
    """Cut off, overwritten or inserted bytes never are more than an error of the upstream's."""
    body = json.dumps(mutated(changes)).encode()
    start = data.draw(st.integers(0, len(body)))
    stop = data.draw(st.integers(start, min(start + 40, len(body))))
    shelf.groups = {ID: body[:start] + data.draw(st.binary(max_size=8)) + body[stop:]}
    for query in (unseen(EVERY_FIELD), EVERY_FIELD, EVERY_FIELD):
        errors_of(await gateway(query, id=ID))


EVERY_FIELD = f"""query ($id: ID!) {{
    group(id: $id) {{
        ...on Group {GROUP.query()}
        version responsibilities
        some: member(inactive: false, count: 1) {{ inactive entity {{ ...target }} }}
        members(first: 1) {{ totalCount nodes {{ entity {{ ...target }} }} edges {{ cursor }} }}
        characteristic {{ valueReference {{ ...target }} }}
    }}
    groups(first: 5, filter: {{type: PERSON}}) {{ totalCount nodes {{ id name version }} }}
    patients: groups(filter: {{patient: "{MARKER}"}}) {{ nodes {{ id }} }}
}}
fragment target on ResolvableReference {{
    reference resource {{ __typename ... on Patient {{ id }} ... on Group {{ name }} }} }}
"""


WHERE: dict[str, tuple[str, list[Any]]] = {
    "groups": ('groups(filter: {id: ["broken", "good"]}) { nodes { name } }', ["nodes"]),
    "_entities": (
        """_entities(representations: [{__typename: "Group", id: "broken"},
           {__typename: "Group", id: "good"}]) { ... on Group { name } }""",
        [],
    ),
    "Patient.groups": (
        """_entities(representations: [{__typename: "Patient", id: "p"}]) {
           ... on Patient { groups { nodes { name } } } }""",
        [0, "groups", "nodes"],
    ),
    "Reference.resource": (
        'group(id: "parent") { member { entity { resource { ... on Group { name } } } } }',
        ["member"],
    ),
}
"""How to get at the groups, and the way to them in the answer."""


@pytest.mark.parametrize("where", WHERE)
async def test_one_broken_group_leaves_the_others(
    gateway: Gateway, shelf: Shelf, where: str
) -> None:
    """Wherever a group stands, its broken element is null, and its neighbours are whole."""
    patient = {"member": [{"entity": {"reference": "Patient/p"}}]}
    broken: dict[str, Any] = {"resourceType": "Group", "id": "broken", "name": [MARKER], **patient}
    good = {"resourceType": "Group", "id": "good", "name": "fine", **patient}
    leading = [{"entity": f"Group/{id}"} for id in ("broken", "good")]
    parent = {"resourceType": "Group", "id": "parent", "name": "parent", "member": leading}
    shelf.groups = {str(g["id"]): json.dumps(g).encode() for g in (broken, good, parent)}
    query, path = WHERE[where]
    for text in (unseen(f"{{ {query} }}"), f"{{ {query} }}", f"{{ {query} }}"):
        answer = await gateway(text)
        found = next(iter(answer["data"].values()))
        for key in path:
            found = found[key]
        if where == "Reference.resource":
            found = [member["entity"]["resource"] for member in found]
        assert found == [{"name": None}, {"name": "fine"}]
        [error] = errors_of(answer)
        assert error[-1] == "name"


@pytest.mark.parametrize(
    ("characteristic", "shown", "errors"),
    [
        ([{"code": {"text": "responsibility"}, "valueCodeableConcept": {"text": "A"}}], ["A"], 0),
        ([{"code": "responsibility", "valueCodeableConcept": "A"}], ["A"], 0),
        ([{"code": {"text": "other"}, "valueCodeableConcept": {"text": MARKER}}], [], 0),
        ([{"code": {"text": "responsibility"}, "valueCodeableConcept": {"text": 5}}], [], 1),
        ([{"code": {"text": "responsibility"}}], [], 1),
        ([{"code": [MARKER]}], [], 0),
        ([5, {"code": "responsibility", "valueCodeableConcept": "A"}], ["A"], 1),
        ({"code": "responsibility"}, [], 1),
        (MARKER, [], 1),
        (None, [], 0),
    ],
)
async def test_responsibilities_that_cannot_be_read_are_told(
    gateway: Gateway, shelf: Shelf, characteristic: Any, shown: list[str], errors: int
) -> None:
    """A responsibility is never left out in silence."""
    shelf.put({"resourceType": "Group", "id": ID, "characteristic": characteristic})
    query = f'{{ group(id: "{ID}") {{ responsibilities }} }}'
    for text in (unseen(query), query, query):
        answer = await gateway(text)
        assert answer["data"] == {"group": {"responsibilities": shown}}
        assert errors_of(answer) == [("group", "responsibilities")] * errors


@pytest.mark.parametrize(
    ("reference", "resource", "errors"),
    [
        ("Patient/1", {"__typename": "Patient"}, 0),
        ("http://elsewhere.test/Patient/1", None, 0),
        ("http://upstream.test/Patient/1", {"__typename": "Patient"}, 0),
        ("Organization/1", None, 0),
        ("urn:uuid:5", None, 0),
        ("#contained", None, 0),
        ("Group/absent", None, 0),
        ("Patient/..", None, 0),
        (None, None, 0),
        (5, None, 1),
        ({"reference": MARKER}, None, 1),
    ],
)
async def test_a_reference_leads_somewhere_nowhere_or_is_broken(
    gateway: Gateway, shelf: Shelf, reference: Any, resource: Any, errors: int
) -> None:
    """What leads out of the upstream is null; what is no reference is an error."""
    entity = {"entity": {"reference": reference}}
    shelf.put({"resourceType": "Group", "id": ID, "member": [entity]})
    answer = await gateway(
        f'{{ group(id: "{ID}") {{ member {{ entity {{ resource {{ __typename }} }} }} }} }}'
    )
    assert answer["data"]["group"]["member"] == [{"entity": {"resource": resource}}]
    assert errors_of(answer) == [("group", "member", 0, "entity", "resource")] * errors


@pytest.mark.parametrize(
    "value",
    ["1e999", "9" * 5000, "-1e999"],
    ids=["too large", "too long", "too small"],
)
async def test_a_number_that_nothing_can_hold(gateway: Gateway, shelf: Shelf, value: str) -> None:
    """A number beyond all bounds never is more than an error of the upstream's."""
    text = f'{{"resourceType":"Group","id":"{ID}","name":"n","quantity":{value},"x":[{value}]}}'
    shelf.groups = {ID: text.encode()}
    for query in (unseen(EVERY_FIELD), EVERY_FIELD, EVERY_FIELD):
        assert errors_of(await gateway(query, id=ID))


@pytest.mark.parametrize("depth", [100, 300, 600, 900, 100_000])
async def test_nesting_without_end(gateway: Gateway, shelf: Shelf, depth: int) -> None:
    """However deep an element is nested, it is an error at most, and nothing falls over."""
    nested = '{"identifier":' * depth + "5" + "}" * depth
    text = f'{{"resourceType":"Group","id":"{ID}","name":"n","managingEntity":{nested}}}'
    shelf.groups = {ID: text.encode()}
    for query in (unseen(EVERY_FIELD), EVERY_FIELD, EVERY_FIELD):
        errors_of(await gateway(query, id=ID))
