"""Lists are whole or errors; pages have four cursors that hold the whole search."""

import pytest

from fhir_graphql.memory_server import MemoryServer

PAGE = "count offset pagesize first previous next last edges{resource{id}}"


@pytest.fixture
def many() -> MemoryServer:
    """Return a server with 23 groups, each third a team."""
    server = MemoryServer()
    for n in range(23):
        kind = "practitioner" if n % 3 == 0 else "person"
        code = {"coding": [{"code": "even" if n % 2 == 0 else "odd"}]}
        group = {"resourceType": "Group", "id": f"g{n:02}", "type": kind, "actual": True}
        server.put({**group, "name": f"Group {22 - n:02}", "code": code})
    return server


def ids(page):
    """Return the ids on a page."""
    return [edge["resource"]["id"] for edge in page["edges"]]


@pytest.mark.parametrize(
    "search", ["", "type: person, ", "code: even, ", "fhirpath: \"code.coding.code = 'odd'\", "]
)
@pytest.mark.parametrize(
    "applies", [{"_id", "type", "member", "_count", "_offset"}, {"_count", "_offset"}]
)
async def test_forth_and_back(start, many, search, applies):
    """Following `next` gives every group once, and `previous` the same pages back."""
    many.applies = frozenset(applies)
    fhir = await start(many)
    whole = (await fhir.data(f"{{GroupList({search}_count: 100){{id}}}}"))["GroupList"]
    pages = [
        (await fhir.data(f"{{GroupConnection({search}_count: 4){{{PAGE}}}}}"))["GroupConnection"]
    ]
    while cursor := pages[-1]["next"]:
        query = f'{{GroupConnection(cursor: "{cursor}"){{{PAGE}}}}}'
        pages.append((await fhir.data(query))["GroupConnection"])
    assert [id for page in pages for id in ids(page)] == [group["id"] for group in whole]
    assert [page["offset"] for page in pages] == list(range(0, len(whole), 4))
    assert {page["count"] for page in pages} == {len(whole)}
    back = pages[-1]
    for expected in reversed(pages[:-1]):
        query = f'{{GroupConnection(_cursor: "{back["previous"]}"){{{PAGE}}}}}'
        back = (await fhir.data(query))["GroupConnection"]
        assert (ids(back), back["offset"]) == (ids(expected), expected["offset"])
    assert back["previous"] is None
    for name, expected in (("first", pages[0]), ("last", pages[-1])):
        query = f'{{GroupConnection(cursor: "{pages[1][name]}"){{{PAGE}}}}}'
        there = (await fhir.data(query))["GroupConnection"]
        assert (ids(there), there["offset"]) == (ids(expected), expected["offset"])
    assert pages[-1]["next"] is None


async def test_count_alone(start, many):
    """The count alone costs one call, without groups, once the parameter is proven to work."""
    fhir = await start(many)
    data = await fhir.data("{GroupConnection(type: person){count}}")
    assert data == {"GroupConnection": {"count": 15}}
    assert many.calls[0] == "GET /Group?type=person&_count=0"
    many.calls.clear()
    data = await fhir.data("{GroupConnection(type: practitioner){count}}")
    assert data == {"GroupConnection": {"count": 8}}
    assert many.calls == ["GET /Group?type=practitioner&_count=0"]


async def test_a_page_with_its_count(start, many):
    """A page and its count cost one call where the upstream states a reliable total."""
    fhir = await start(many)
    await fhir.data("{GroupConnection(type: practitioner, _count: 1){count}}")
    many.calls.clear()
    await fhir.data(f"{{GroupConnection(type: person, _count: 4){{{PAGE}}}}}")
    assert many.calls == ["GET /Group?type=person&_count=4&_offset=0"]


@pytest.mark.parametrize("other", ["_count: 4", "type: person", '_cursor: "x"', "_offset: 1"])
async def test_a_cursor_with_something_else(start, many, other):
    """A cursor holds the whole search, so that nothing else may be given."""
    fhir = await start(many)
    page = (await fhir.data(f"{{GroupConnection{{{PAGE}}}}}"))["GroupConnection"]
    query = f'{{GroupConnection(cursor: "{page["next"]}", {other}){{count}}}}'
    assert await fhir.failure(query) == (200, "BAD_USER_INPUT", "invalid")


async def test_a_forged_cursor(start, many):
    """A cursor that was changed is refused."""
    fhir = await start(many)
    page = (await fhir.data(f"{{GroupConnection{{{PAGE}}}}}"))["GroupConnection"]
    cursor = page["next"][:-2] + ("AA" if not page["next"].endswith("AA") else "BB")
    query = f'{{GroupConnection(cursor: "{cursor}"){{count}}}}'
    assert await fhir.failure(query) == (200, "BAD_USER_INPUT", "invalid")


async def test_sorted_upstream(start, many):
    """A sort that the upstream applies holds over all pages."""
    many.applies |= {"_sort"}
    fhir = await start(many)
    data = await fhir.data('{GroupList(_sort: ["-name"]){name}}')
    names = [group["name"] for group in data["GroupList"]]
    assert names == sorted(names, reverse=True)


@pytest.mark.parametrize("name", ["_filter", "_sort"])
async def test_refused_upstream(start, many, name):
    """What only the upstream can do is an error when it refuses to."""
    many.refuses = frozenset({name})
    fhir = await start(many)
    status, _, issue = await fhir.failure(f'{{GroupList({name}: "x"){{id}}}}')
    assert (status, issue) == (200, "not-supported")


@pytest.mark.parametrize("name", ["_filter", "_sort"])
async def test_repeated_upstream(start, many, name):
    """What a server only repeats in its `self` link was not applied."""
    many.echoes = True
    fhir = await start(many)
    status, _, issue = await fhir.failure(f'{{GroupList({name}: "name eq x"){{id}}}}')
    assert (status, issue) == (200, "not-supported")


async def test_repeated_filters_count_nothing(start, many):
    """A count holds the groups that fit, whatever a server repeats in its `self` link."""
    many.echoes = True
    fhir = await start(many)
    query = '{GroupConnection(code: "even", _count: 1){count}}'
    found = await fhir.data('{GroupList(code: "even"){id}}')
    data = await (await start(many)).data(query)
    assert data["GroupConnection"]["count"] == len(found["GroupList"])


async def test_refused_parameters_are_filtered_here(start, many):
    """A parameter that the upstream refuses is applied here."""
    many.refuses = frozenset({"type", "code"})
    fhir = await start(many)
    data = await fhir.data("{GroupList(type: practitioner, code: even){id}}")
    assert data["GroupList"] == [{"id": f"g{n:02}"} for n in range(0, 23, 6)]


async def test_too_many_for_a_list(start, many):
    """More than a thousand groups are an error, and no short list."""
    for n in range(1000):
        many.put({"resourceType": "Group", "id": f"x{n}", "type": "device", "actual": True})
    fhir = await start(many)
    assert await fhir.failure("{GroupList{id}}") == (200, "BAD_USER_INPUT", "too-costly")
    exact = await fhir.data("{GroupList(type: device){id}}")
    assert len(exact["GroupList"]) == 1000
    some = await fhir.data("{GroupList(_count: 5){id}}")
    assert len(some["GroupList"]) == 5


async def test_nested_cursors_are_followed_at_the_root(start, many):
    """A page below a resource is continued at the root."""
    for n in range(5):
        member = [{"entity": {"reference": "Patient/p"}}]
        many.put({"resourceType": "Group", "id": f"m{n}", "type": "person", "member": member})
    many.put({"resourceType": "Patient", "id": "p"})
    fhir = await start(many)
    query = f"{{Patient(id: p){{GroupConnection(_reference: member, _count: 3){{{PAGE}}}}}}}"
    page = (await fhir.data(query))["Patient"]["GroupConnection"]
    query = f'{{GroupConnection(cursor: "{page["next"]}"){{{PAGE}}}}}'
    rest = (await fhir.data(query))["GroupConnection"]
    assert (ids(page), ids(rest)) == (["m0", "m1", "m2"], ["m3", "m4"])


@pytest.mark.parametrize("refuses", [set(), {"member"}, {"member", "patient"}])
@pytest.mark.parametrize("echoes", [False, True])
@pytest.mark.parametrize("declares", [False, True])
async def test_members_that_the_upstream_does_not_search_by(start, many, refuses, echoes, declares):
    """Whatever the upstream ignores, refuses or claims, lists and counts by members are right."""
    member = [{"entity": {"reference": "Patient/p"}}]
    many.put({"resourceType": "Group", "id": "m", "type": "person", "member": member})
    many.applies, many.refuses = frozenset({"_count", "_offset"}), frozenset(refuses)
    many.echoes, many.declares = echoes, declares
    fhir = await start(many)
    query = """{ GroupList(member: "Patient/p") { id }
      GroupConnection(member: "Patient/p") { count } }"""
    data = await fhir.data(query)
    assert data == {"GroupList": [{"id": "m"}], "GroupConnection": {"count": 1}}
    assert len(many.calls) <= 25
