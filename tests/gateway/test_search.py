"""Searches that an upstream ignores, refuses or does not have are never passed off as applied."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from gateway.answering import Answering, answering, make_group, page
from group_gateway.sandbox.data.seeded_people import reference
from group_gateway.sandbox.quirks import FaultRule
from group_gateway.sandbox.wellknown import (
    SEED_GROUP_IDS,
    SEED_PATIENT_ID,
    TEAM_ID,
    TEST_GROUP_ID,
    TEST_GROUP_TWIN_ID,
)

GROUPS = """query ($filter: GroupFilter, $first: Int) {
  groups(filter: $filter, first: $first) { totalCount nodes { id type } pageInfo { hasNextPage } }
}"""
PATIENT = {"patient": SEED_PATIENT_ID}
PATIENTS_GROUPS = [TEST_GROUP_ID, TEST_GROUP_TWIN_ID]
NOBODY = {"patient": "nobody"}
PAGED = (("_offset", 0), ("_count", 10))
REFUSED = FaultRule(kind="status", status=400, pattern="patient=")


async def found(gateway, **filter):  # noqa: A002 - GraphQL's name
    """Search, and return the ids; the total and `hasNextPage` must agree with them."""
    groups = (await gateway.data(GROUPS, filter=filter, first=1000))["groups"]
    ids = [node["id"] for node in groups["nodes"]]
    assert groups["totalCount"] == len(ids)
    assert groups["pageInfo"] == {"hasNextPage": False}
    return ids


def query_of(target):
    """Return the parameters of a search."""
    return dict(parse_qsl(urlsplit(target).query))


def statements_read(sandbox):
    """Count the reads of the CapabilityStatement."""
    entries = sandbox.app.state.sandbox.requests.entries
    return sum(entry.path == "/metadata" for entry in entries)


async def test_a_search_that_works_is_one_call(gateway, sandbox):
    """A filter that the upstream applies is passed on to it."""
    assert await found(gateway, **PATIENT) == PATIENTS_GROUPS
    assert sandbox.calls == [f"GET /Group?patient={SEED_PATIENT_ID}&_count=100&_offset=0"]


@pytest.mark.parametrize(
    "quirks",
    [
        {"ignore_parameters": ("patient",)},
        {"ignore_parameters": ("patient", "type")},
        {"ignore_parameters": ("patient",), "no_total": True},
        {"ignore_parameters": ("patient",), "opaque_links": True},
        {"no_links": True},
        {"no_links": True, "no_total": True},
        {"no_links": True, "ignore_parameters": ("patient",)},
        {"member_parameter": True},
        {"member_parameter": True, "ignore_parameters": ("member",)},
    ],
)
async def test_the_answer_is_the_same_however_the_upstream_searches(gateway, sandbox, quirks):
    """What it does not apply, the gateway does: same groups, same total, whatever it obeys."""
    sandbox.use(**quirks)
    assert await found(gateway, **PATIENT) == PATIENTS_GROUPS
    assert await found(gateway, **PATIENT, type="PERSON") == PATIENTS_GROUPS
    assert await found(gateway, **PATIENT, type="PRACTITIONER") == []
    assert await found(gateway, **NOBODY) == []
    assert len(await found(gateway, type="PRACTITIONER")) == 20


async def test_an_ignored_parameter_is_not_sent_again(gateway, sandbox):
    """What was learned from one answer holds for the next request, of any caller."""
    sandbox.use(ignore_parameters=("patient",))
    await gateway.data(GROUPS, filter=PATIENT, first=1)
    assert sandbox.calls[:2] == [
        f"GET /Group?patient={SEED_PATIENT_ID}&_count=1&_offset=0",
        "GET /Group?_count=100&_offset=0",
    ]
    sandbox.forget_calls()
    await gateway.data(GROUPS, filter=NOBODY, first=1, token="sandbox-read")
    assert len(sandbox.calls) == 3
    assert not [call for call in sandbox.calls if "patient" in call]


async def test_an_ignored_type(gateway, sandbox):
    """Two searches are the price of learning; the others cost what they must."""
    sandbox.use(ignore_parameters=("type",))
    document = "{ groups(first: 1, filter: { type: PRACTITIONER }) { nodes { id } } }"
    await gateway.data(document)
    assert len(sandbox.calls) == 2
    sandbox.forget_calls()
    await gateway.data(document.replace("PRACTITIONER", "DEVICE"), token="sandbox-read")
    assert len(sandbox.calls) == 3
    assert not [call for call in sandbox.calls if "type" in call]


async def test_nothing_is_looked_through_when_all_is_on_one_page(make_gateway, sandbox):
    """An ignored filter on a short list costs one call: the page has all groups."""
    sandbox.use(ignore_parameters=("patient",))
    gateway = await make_gateway()
    document = "query ($filter: GroupFilter) { groups(filter: $filter) { nodes { id } } }"
    wanted = {**PATIENT, "type": "DEVICE"}
    assert (await gateway.data(document, filter=wanted))["groups"]["nodes"] == []
    assert len(sandbox.calls) == 1


async def test_a_parameter_that_the_upstream_does_not_declare(gateway, sandbox):
    """Practitioners can't be searched for here, which the CapabilityStatement says."""
    kind, _, practitioner = reference("Practitioner", 7).partition("/")
    assert kind == "Practitioner"
    ids = await found(gateway, practitioner=practitioner)
    assert len(ids) == 2
    assert set(ids) <= set(await found(gateway, type="PRACTITIONER"))
    assert not [call for call in sandbox.calls if practitioner in call]


async def test_a_member_parameter(gateway, sandbox):
    """FHIR's own parameter is used where it is declared, with typed references."""
    sandbox.use(member_parameter=True)
    _, _, practitioner = reference("Practitioner", 7).partition("/")
    await found(gateway, practitioner=practitioner)
    await found(gateway, **PATIENT)
    assert [call.partition("&")[0] for call in sandbox.calls] == [
        f"GET /Group?member=Practitioner/{practitioner}",
        f"GET /Group?member=Patient/{SEED_PATIENT_ID}",
    ]


async def test_a_patient_and_a_practitioner(gateway, sandbox):
    """Both must be members: one is searched for, the other looked for in what was found."""
    _, _, practitioner = reference("Practitioner", 7).partition("/")
    assert await found(gateway, **PATIENT, practitioner=practitioner) == []
    assert len(sandbox.calls) == 1


@pytest.mark.parametrize("statement", [{"status": 500}, {"kind": "null"}, {"kind": "html"}])
async def test_without_a_capability_statement(gateway, sandbox, statement):
    """The answers teach what the statement would have said; it is not asked for each time."""
    kind = {"kind": "status", "path": "/metadata", **statement}
    sandbox.use(faults=(FaultRule(**kind),))
    assert await found(gateway, **PATIENT) == PATIENTS_GROUPS
    sandbox.forget_calls()
    _, _, practitioner = reference("Practitioner", 7).partition("/")
    assert TEAM_ID not in await found(gateway, **PATIENT)
    assert len(await found(gateway, practitioner=practitioner)) == 2
    assert statements_read(sandbox) == 0


async def test_the_capability_statement_is_read_once(gateway, sandbox):
    """And only by searches that need to know."""
    await found(gateway)
    await found(gateway, type="PERSON")
    assert statements_read(sandbox) == 0
    for patient in (SEED_PATIENT_ID, "nobody"):
        await found(gateway, patient=patient)
    assert statements_read(sandbox) == 1


async def test_a_refused_parameter(gateway, sandbox):
    """A parameter that is turned down is left out; where it is declared, it is tried again."""
    sandbox.use(faults=(REFUSED,))
    assert await found(gateway, **PATIENT) == PATIENTS_GROUPS
    sandbox.use()
    sandbox.forget_calls()
    assert await found(gateway, patient=SEED_PATIENT_ID, type="PERSON") == PATIENTS_GROUPS
    assert "patient=" in sandbox.calls[0]


async def test_a_refused_parameter_that_nobody_declared(gateway, sandbox):
    """Without a statement the refusal is remembered, until a search by it has worked once."""
    sandbox.use(faults=(FaultRule(kind="status", path="/metadata"), REFUSED))
    assert await found(gateway, **PATIENT) == PATIENTS_GROUPS
    sandbox.forget_calls()
    await found(gateway, **NOBODY)
    assert not [call for call in sandbox.calls if "patient=" in call]


async def test_a_refused_search(gateway, sandbox):
    """A search that is turned down whatever is left out of it is an error that the caller sees."""
    sandbox.use(faults=(FaultRule(kind="status", status=400),))
    answer = await gateway(GROUPS, filter=PATIENT)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
    assert len(sandbox.calls) <= 4


async def test_the_upstream_is_down(gateway, sandbox):
    """A search fails with one call, its total included; the first is repeated without `_offset`."""
    sandbox.use(faults=(FaultRule(kind="status", status=500),))
    for calls in (2, 3):
        answer = await gateway(GROUPS, filter={"type": "PERSON"})
        codes = {error["extensions"]["code"] for error in answer["errors"]}
        assert codes == {"UPSTREAM_UNAVAILABLE"}
        assert len(sandbox.calls) == calls


async def test_too_many_groups_to_look_through(gateway, sandbox):
    """A look through many groups ends in an error, not in an answer that may be short."""
    sandbox.use(ignore_parameters=("patient",), max_count=10)
    answer = await gateway(GROUPS, filter=NOBODY)
    codes = {error["extensions"]["code"] for error in answer["errors"]}
    assert codes == {"UPSTREAM_SEARCH_UNSUPPORTED"}
    assert answer["data"] == {"groups": None}
    assert len(sandbox.calls) <= 21


async def test_a_page_is_found_before_the_look_ends(gateway, sandbox):
    """The page is shown although it is unknown whether more follow, and its cursor works."""
    sandbox.use(ignore_parameters=("patient",), max_count=10)
    document = """query ($after: String) {
      groups(filter: { patient: "%s" }, first: %d, after: $after) {
        nodes { id } pageInfo { hasNextPage endCursor }
      }
    }"""
    full = (await gateway.data(document % (SEED_PATIENT_ID, 2)))["groups"]
    assert [node["id"] for node in full["nodes"]] == PATIENTS_GROUPS
    assert full["pageInfo"]["hasNextPage"] is True
    cursor = full["pageInfo"]["endCursor"]
    answer = await gateway(document % (SEED_PATIENT_ID, 2), after=cursor)
    codes = {error["extensions"]["code"] for error in answer["errors"]}
    assert codes == {"UPSTREAM_SEARCH_UNSUPPORTED"}


@pytest.mark.parametrize("total", [True, False])
async def test_the_total_is_asked_for_only_when_selected(gateway, sandbox, total):
    """The total comes with the page, or alone with a page of one.

    A filter is proven once, by its opposite: a server that ignores it counts other groups too.
    """
    await gateway.data("{ groups(first: 5) { nodes { id } %s } }" % ("totalCount" * total))
    assert sandbox.calls == ["GET /Group?_count=5&_offset=0"]
    sandbox.forget_calls()
    data = await gateway.data("{ groups(filter: { type: PERSON }) { totalCount } }")
    assert data["groups"]["totalCount"] == 250
    assert sandbox.calls == [
        "GET /Group?type=person&_count=1&_offset=0",
        "GET /Group?type=practitioner&_count=1&_offset=0",
    ]
    sandbox.forget_calls()
    await gateway.data("{ groups(filter: { type: DEVICE }) { totalCount } }")
    assert sandbox.calls == ["GET /Group?type=device&_count=1&_offset=0"]


async def test_a_total_that_the_upstream_does_not_tell(gateway, sandbox):
    """It is null, asked for once; where all groups are on the page, they are counted."""
    sandbox.use(no_total=True)
    document = "query ($type: GroupType) { groups(filter: { type: $type }) { totalCount } }"
    assert (await gateway.data(document, type="PERSON"))["groups"]["totalCount"] is None
    assert len(sandbox.calls) == 2
    assert "_total=accurate" in sandbox.calls[1]
    sandbox.forget_calls()
    assert (await gateway.data(document, type="PRACTITIONER"))["groups"]["totalCount"] is None
    assert len(sandbox.calls) == 1
    for type, total in (("DEVICE", 1), ("MEDICATION", 0)):
        assert (await gateway.data(document, type=type))["groups"]["totalCount"] == total


@pytest.mark.parametrize(
    "wanted", ["type: PERSON", 'patient: "p1"', 'practitioner: "s1"', 'member: "Device/d"']
)
async def test_a_filter_that_is_only_repeated_counts_nothing(wanted):
    """A server that repeats each filter in its `self` link and applies none is detected."""
    fits = [
        {"entity": {"reference": text}} for text in ("Patient/p1", "Practitioner/s1", "Device/d")
    ]
    groups = [make_group("a", member=fits), *(make_group(f"b{n}", type="device") for n in range(3))]
    groups.append(make_group("c", member=fits))

    def search(target):
        start, size = (int(query_of(target).get(name, at)) for name, at in PAGED)
        links = [{"relation": "self", "url": target}]
        if start + size < len(groups):
            links.append(
                {"relation": "next", "url": f"/Group?_count={size}&_offset={start + size}"}
            )
        shown = [{"resource": group} for group in groups[start : start + size]]
        return page(*shown, total=len(groups), link=links)

    async with answering(Answering(search, {group["id"]: group for group in groups})) as gateway:
        data = await gateway.data(f"{{ groups(first: 1, filter: {{{wanted}}}) {{ totalCount }} }}")
    assert data["groups"]["totalCount"] == 2


@pytest.mark.parametrize("said", [0, 1, 2])
async def test_a_total_of_the_page_alone(said):
    """A server whose total is less than what it shows, or links, is counted by its pages."""

    def search(target):
        start = int(query_of(target).get("page", 0))
        onward = f"/Group?page={start + 1}" if start < 3 else None
        return page(f"a{start}", f"b{start}", onward=onward, total=said)

    async with answering(Answering(search, {})) as gateway:
        data = await gateway.data("{ groups(first: 1) { totalCount } }")
    assert data["groups"]["totalCount"] == 8


async def test_seed_groups_come_first(gateway):
    """Groups come in the upstream's order."""
    assert tuple((await found(gateway))[:6]) == SEED_GROUP_IDS


async def test_a_first_page_that_can_not_be_read_proves_no_filter():
    """A server that ignores a filter is found out also where its first group is broken."""
    broken = {"resource": {"resourceType": "Group"}}

    def search(target):
        return (
            page(broken, "b", "c", total=3)
            if "_count=1&" not in target
            else page(broken, onward="/Group?_count=1&_offset=1", total=3)
        )

    async with answering(Answering(search)) as gateway:
        query = '{ groups(filter: { patient: "of-b" }, first: 1) { totalCount nodes { id } } }'
        groups = (await gateway(query))["data"]["groups"]
        assert [node["id"] for node in groups["nodes"] if node] == ["b"]
        assert groups["totalCount"] == 1
