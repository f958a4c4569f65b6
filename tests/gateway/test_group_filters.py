"""Filters and sorting: pushed to an upstream that applies them, done by the gateway elsewhere."""

import json
from urllib.parse import parse_qsl

import httpx
import pytest

from gateway.answering import Answering, answering, codes, ids, make_group, page

CODE = {"coding": [{"system": "http://codes.example", "code": "cohort"}], "text": "A cohort"}
TEAM = {"code": {"text": "responsibility"}, "exclude": False}
GROUPS = [
    make_group(
        "a",
        name="Équipe du Matin",
        active=True,
        quantity=3,
        code=CODE,
        identifier=[{"system": "urn:a", "value": "1"}],
        managingEntity={"reference": "Organization/o1"},
        meta={"lastUpdated": "2026-01-10T10:00:00Z", "versionId": "1"},
    ),
    make_group(
        "b",
        name="equipe de nuit",
        active=False,
        type="practitioner",
        quantity=1,
        identifier=[{"value": "1"}, {"system": "urn:b", "value": "2"}],
        characteristic=[{**TEAM, "valueCodeableConcept": {"text": "REVIEW_COVERAGES"}}],
        meta={"lastUpdated": "2026-03-01T00:00:00+02:00"},
    ),
    make_group(
        "c",
        name="STRASSE",
        actual=False,
        code={"text": "A cohort"},
        managingEntity={"reference": "http://upstream.test/Organization/o1"},
        characteristic=[
            {"code": CODE, "valueBoolean": True, "exclude": True},
            {"code": {"text": "smoker"}, "valueBoolean": False, "exclude": False},
        ],
        meta={"lastUpdated": "2026-02-28T23:00:00Z"},
    ),
    make_group(
        "d",
        name="Straße 7",
        type="device",
        quantity="7",
        member=[
            {"entity": {"reference": "Device/d1"}},
            {"entity": {"reference": "https://other.example/fhir/Patient/of-a"}},
        ],
        managingEntity={"reference": "https://other.example/Organization/o1"},
        meta={"lastUpdated": "yesterday"},
    ),
    make_group("e", name=None, active="true", quantity=None, identifier={"value": "1"}),
]
for group in GROUPS:
    for empty in [name for name, value in group.items() if value is None]:
        del group[empty]

EVERY = {
    '{ name: { equals: "equipe de nuit" } }': "b",
    '{ name: { equals: "Equipe de nuit" } }': "",
    '{ name: { contains: "EQUIPE" } }': "ab",
    '{ name: { contains: "équipe" } }': "ab",
    '{ name: { contains: "strasse" } }': "cd",
    '{ name: { startsWith: "équipe de" } }': "b",
    '{ name: { startsWith: "nuit" } }': "",
    '{ name: { startsWith: "equipe", contains: "matin" } }': "a",
    '{ name: { contains: "" } }': "abcde",
    '{ name: { startsWith: "" } }': "abcde",
    '{ name: { equals: "" } }': "abcde",
    '{ name: { equals: "", contains: "", startsWith: "equipe" } }': "ab",
    '{ name: { contains: "\\u0301" } }': "abcde",
    '{ name: { contains: " " } }': "abd",
    "{ name: {} }": "abcde",
    "{ name: null, active: null }": "abcde",
    "{ active: true }": "a",
    "{ active: false }": "b",
    "{ actual: false }": "c",
    '{ identifier: { value: "1" } }': "abe",
    '{ identifier: { system: "urn:b" } }': "b",
    '{ identifier: { system: "", value: "1" } }': "be",
    '{ identifier: { value: "" } }': "abcde",
    '{ identifier: { system: "urn:b", value: "" } }': "b",
    '{ identifier: { system: "urn:a", value: "2" } }': "",
    '{ code: { system: "http://codes.example", value: "cohort" } }': "a",
    '{ code: { value: "cohort" } }': "a",
    '{ code: { value: "A cohort" } }': "ac",
    '{ managingEntity: "Organization/o1" }': "ac",
    '{ managingEntity: "https://other.example/Organization/o1" }': "d",
    '{ code: { value: "" } }': "abcde",
    '{ responsibility: "REVIEW_COVERAGES" }': "b",
    '{ responsibility: "" }': "abcde",
    '{ characteristic: { code: { value: "smoker" } } }': "c",
    '{ characteristic: { code: { value: "smoker" }, value: { value: "true" } } }': "",
    '{ characteristic: { code: { value: "cohort" }, value: { value: "" }, exclude: true } }': "c",
    '{ characteristic: { value: { value: "true" } } }': "c",
    "{ characteristic: { exclude: false } }": "bc",
    '{ member: "Device/d1" }': "d",
    '{ member: "https://other.example/fhir/Patient/of-a" }': "d",
    '{ member: "http://upstream.test/Patient/of-a" }': "a",
    '{ patient: "of-a" }': "a",
    '{ lastUpdated: { ge: "2026-02" } }': "bc",
    '{ lastUpdated: { gt: "2026-01-10" } }': "bc",
    '{ lastUpdated: { le: "2026-01" } }': "a",
    '{ lastUpdated: { ge: "2026-01-10T10:00:00Z", lt: "2026-02-28T22:30:00Z" } }': "ab",
    '{ id: ["e", "b", "a"], name: { contains: "e" } }': "ba",
    '{ type: PRACTITIONER, name: { contains: "e" }, active: false }': "b",
}
ALL = frozenset(
    {"type", "member", "actual", "active", "identifier", "code", "managing-entity"}
    | {"characteristic", "_lastUpdated", "_id"}
)


def serve(applies=frozenset(), declares=ALL, echoes=ALL, size=2):
    """Make an upstream that declares parameters, applies some, and says that it applied some."""

    def answer(target):
        path, _, text = target.partition("?")
        query = parse_qsl(text)
        start = int(dict(query).get("_offset", 0))
        found = [
            group for group in GROUPS if all(_fits(group, n, v) for n, v in query if n in applies)
        ]
        kept = "&".join(f"{n}={v}" for n, v in query if n in echoes)
        links = {"self": f"{path}?{kept}&_offset={start}"}
        if start + size < len(found):
            links["next"] = f"{path}?{kept}&_offset={start + size}"
        entries = [{"resource": group} for group in found[start : start + size]]
        link = [{"relation": name, "url": url} for name, url in links.items()]
        return page(*entries, total=len(found)) | {"link": link}

    return Served(answer, {group["id"]: group for group in GROUPS}, declares=declares)


def _fits(group, name, value):
    """Apply a parameter in the simplest way that serves these tests."""
    texts = json.dumps(group)
    if name == "_id":
        return group["id"] in value.split(",")
    if name == "_lastUpdated":
        return group["id"] in "abc" and (value[:2] in {"ge", "gt"} or group["id"] != "c")
    if name in {"actual", "active"}:
        return group.get(name) is (value == "true")
    return all(
        part.partition("/")[2] in texts if "/" in part else part in texts
        for part in value.split("|")
    )


class Served(Answering):
    """One that has a CapabilityStatement."""

    def __init__(self, search, groups, declares):
        super().__init__(search, groups)
        self.declares = declares

    async def handle_async_request(self, request):
        """Answer a request."""
        if request.url.path != "/metadata":
            return await super().handle_async_request(request)
        parameters = [{"name": name} for name in sorted(self.declares)]
        resource = {"type": "Group", "searchParam": parameters}
        return httpx.Response(
            200, json={"resourceType": "CapabilityStatement", "rest": [{"resource": [resource]}]}
        )


UPSTREAMS = {
    "can't search": {"declares": {"name-of-nothing"}},
    "declares and ignores": {"echoes": frozenset()},
    "declares, echoes and ignores": {},
    "applies simple ones": {"applies": frozenset({"type", "actual", "active", "_id"})},
}


@pytest.mark.parametrize("kind", UPSTREAMS)
@pytest.mark.parametrize("wanted", EVERY)
async def test_a_filter(wanted, kind):
    """The same groups are found whatever the upstream applies; the total agrees."""
    query = f"{{ groups(first: 50, filter: {wanted}) {{ totalCount nodes {{ id }} }} }}"
    async with answering(serve(**UPSTREAMS[kind])) as gateway:
        data = await gateway.data(query)
        assert ids({"data": data}) == list(EVERY[wanted])
        assert data["groups"]["totalCount"] == len(EVERY[wanted])


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        ('{ identifier: { system: "urn:a", value: "1" } }', "identifier=urn:a%7C1"),
        ('{ identifier: { value: "a,b" } }', "identifier=a%5C,b"),
        ("{ actual: true }", "actual=true"),
        ('{ code: { system: "s", value: "c" } }', "code=s%7Cc"),
        ('{ managingEntity: "Organization/o1" }', "managing-entity=Organization/o1"),
        ('{ member: "Device/d1" }', "member=Device/d1"),
        ('{ characteristic: { code: { system: "s", value: "c" } } }', "characteristic=s%7Cc"),
        (
            '{ lastUpdated: { ge: "2026", le: "2026-11" } }',
            "_lastUpdated=ge2026-01-01T00:00:00Z&_lastUpdated=lt2026-12-01T00:00:00Z",
        ),
        (
            '{ lastUpdated: { gt: "2026-11-28T10:00:00.5+02:00" } }',
            "_lastUpdated=ge2026-11-28T08:00:00.500001Z",
        ),
        ('{ code: { value: "c" } }', ""),
        ('{ name: { contains: "x" } }', ""),
        ('{ identifier: { system: "urn:a", value: "" } }', ""),
        ("{ characteristic: { exclude: true } }", ""),
    ],
)
async def test_what_is_sent(wanted, sent):
    """A parameter is sent where it says what is wanted, whole."""
    upstream = serve(applies=ALL)
    async with answering(upstream) as gateway:
        await gateway(f"{{ groups(filter: {wanted}) {{ nodes {{ id }} }} }}")
        assert upstream.calls[0].startswith(
            f"GET /Group?{sent}&_count" if sent else "GET /Group?_count"
        )


@pytest.mark.parametrize(
    "wanted",
    [
        '{ lastUpdated: { ge: "soon" } }',
        '{ name: { contains: "%s" } }' % ("x" * 1001),
        '{ managingEntity: "" }',
        '{ member: "" }',
        '{ patient: "" }',
        '{ lastUpdated: { ge: "" } }',
    ],
)
async def test_what_is_no_filter(wanted):
    """What can't be a filter is refused before anything is asked."""
    upstream = serve()
    async with answering(upstream) as gateway:
        answer = await gateway(f"{{ groups(filter: {wanted}) {{ nodes {{ id }} }} }}")
        assert codes(answer) == {"BAD_USER_INPUT"}
        assert upstream.calls == []


ORDERS = {
    "{ field: NAME }": "bacde",
    "{ field: NAME, direction: DESC }": "dcabe",
    "{ field: QUANTITY }": "bcade",
    "{ field: QUANTITY, direction: DESC }": "abcde",
    "[{ field: TYPE }, { field: NAME, direction: DESC }]": "dcaeb",
    "{ field: LAST_UPDATED, direction: DESC }": "cbade",
}


async def walk(gateway, order, size, *, backward=False):
    """Page through all groups in an order."""
    document = """query ($size: Int, $at: String) {
        groups(orderBy: %s, %s) { nodes { id } pageInfo { %s } } }"""
    paging, info = ("last: $size, before: $at", "more: hasPreviousPage at: startCursor")
    if not backward:
        paging, info = ("first: $size, after: $at", "more: hasNextPage at: endCursor")
    found, at, more = [], None, True
    while more:
        groups = (await gateway.data(document % (order, paging, info), size=size, at=at))["groups"]
        page_ids = [node["id"] for node in groups["nodes"]]
        found = page_ids + found if backward else found + page_ids
        more, at = groups["pageInfo"]["more"], groups["pageInfo"]["at"]
    return found


@pytest.mark.parametrize("backward", [True, False])
@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("order", ORDERS)
async def test_an_order(order, size, backward):
    """Groups come sorted, those without a value last, page by page both ways."""
    expected = list(ORDERS[order])
    async with answering(serve()) as gateway:
        assert await walk(gateway, order, size, backward=backward) == expected


async def test_a_sorted_list_that_changes():
    """A cursor holds where it is in the order, so that groups may come and go."""
    query = """query ($after: String) { groups(orderBy: { field: NAME }, first: 2, after: $after) {
        nodes { id } pageInfo { endCursor } } }"""
    upstream = serve()
    async with answering(upstream, cache_ttl=0) as gateway:
        groups = (await gateway.data(query))["groups"]
        assert [node["id"] for node in groups["nodes"]] == ["b", "a"]
        kept = list(GROUPS)
        try:
            GROUPS[:] = [make_group("first", name="AAA"), *kept[2:]]
            after = groups["pageInfo"]["endCursor"]
            groups = (await gateway.data(query, after=after))["groups"]
            assert [node["id"] for node in groups["nodes"]] == ["c", "d"]
        finally:
            GROUPS[:] = kept


async def test_too_many_groups_to_sort():
    """Groups beyond the bound are an error, and not left out of the order."""

    def endless(target):
        start = int(dict(parse_qsl(target.partition("?")[2])).get("page", 0))
        return page(*(f"g{start + i}" for i in range(3)), onward=f"?page={start + 3}")

    async with answering(Answering(endless)) as gateway:
        answer = await gateway("{ groups(orderBy: { field: NAME }) { nodes { id } } }")
        assert codes(answer) == {"UPSTREAM_SEARCH_UNSUPPORTED"}


async def test_the_same_field_twice():
    """An order that names a field twice is refused."""
    async with answering(serve()) as gateway:
        query = "{ groups(orderBy: [{ field: NAME }, { field: NAME }]) { nodes { id } } }"
        assert codes(await gateway(query)) == {"BAD_USER_INPUT"}


async def test_a_cursor_of_another_order():
    """A cursor belongs to its filter and order."""
    first = "{ groups(orderBy: { field: NAME }, first: 1) { pageInfo { endCursor } } }"
    async with answering(serve()) as gateway:
        cursor = (await gateway.data(first))["groups"]["pageInfo"]["endCursor"]
        other = """query ($after: String) {
            groups(orderBy: { field: TYPE }, first: 1, after: $after) { nodes { id } } }"""
        assert codes(await gateway(other, after=cursor)) == {"BAD_USER_INPUT"}


async def test_a_group_with_odd_values_is_judged():
    """A number that nothing can hold spoils neither the filter nor the order."""
    odd = b'{"resource":{"resourceType":"Group","id":"odd","name":"odd","quantity":1e999}}'
    body = json.dumps(page("a", "MARK", total=2)).encode()
    body = body.replace(json.dumps({"resource": make_group("MARK")}).encode(), odd)
    async with answering(Answering(lambda _: body)) as gateway:
        query = '{ groups(filter: { name: { contains: "d" } }) { nodes { id } } }'
        assert ids(await gateway(query)) == ["odd"]
        query = "{ groups(orderBy: { field: QUANTITY }) { nodes { id } } }"
        assert ids(await gateway(query)) == ["a", "odd"]


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/7",
        "Patient/7/_history/2",
        "http://upstream.test/fhir/Patient/7",
        "HTTP://UPSTREAM.TEST:80/fhir/Patient/7",
    ],
)
async def test_an_own_patient_is_found_however_the_server_writes_it(reference: str):
    """Case of scheme and host, a default port and a version make no other patient."""
    known = make_group("a", member=[{"entity": {"reference": reference}}])
    others = ["https://upstream.test/other/Patient/7", "https://other.example/fhir/Patient/7"]
    stranger = make_group("b", member=[{"entity": {"reference": text}} for text in others])
    both = page({"resource": known}, {"resource": stranger})
    upstream = Answering(lambda _: both, base="/fhir")
    async with answering(upstream) as gateway:
        absolute = 'member: "http://upstream.test/fhir/Patient/7"'
        for wanted in ('patient: "7"', 'member: "Patient/7"', absolute):
            document = f"{{ groups(filter: {{ {wanted} }}, first: 5) {{ nodes {{ id }} }} }}"
            answer = await gateway(document)
            assert "errors" not in answer, str(answer["errors"])[:300]
            assert ids(answer) == ["a"]


async def test_a_name_with_very_many_accents_is_compared_at_once():
    """A name costs the time to read it, also one with a thousand accents on each letter."""
    accents = "\u0300\u0316" * 400_000
    odd = make_group("a", name=f"e{accents}quipe")
    upstream = Answering(lambda _: page({"resource": odd}, {"resource": make_group("b")}))
    async with answering(upstream) as gateway:
        for wanted in ("EQUIPE", f"e{accents[:500]}q"):
            document = (
                f'{{ groups(filter: {{ name: {{ contains: "{wanted}" }} }}) {{ nodes {{ id }} }} }}'
            )
            assert ids(await gateway(document)) == ["a"]
