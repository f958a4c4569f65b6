"""Paging through all groups is the same on every upstream, however it pages itself."""

import pytest

from every_upstream.documents import GROUPS
from every_upstream.harness import Recorder
from upstreams.answers import all_ids, client_for
from upstreams.seeding import group as make_group


@pytest.fixture
def everything(upstream, seeded):
    """Return the ids of all groups, in the upstream's order."""
    with client_for(upstream, "sandbox") as client:
        ids = all_ids(client, "_count=100")
    assert {*seeded.person_groups, *seeded.teams, seeded.large_group} <= set(ids)
    return ids


async def forwards(gateway, size, **wanted):
    """Page from the start to the end; return the ids of each page."""
    pages, after, more = [], None, True
    while more:
        variables = {"first": size, "after": after, "filter": wanted}
        connection = (await gateway.data(GROUPS, **variables))["groups"]
        info = connection["pageInfo"]
        assert info["hasPreviousPage"] is bool(pages)
        page = [edge["node"]["id"] for edge in connection["edges"]]
        assert not set(page) & set(joined(pages))
        pages.append(page)
        more, after = info["hasNextPage"], info["endCursor"]
    return pages


async def backwards(gateway, size, **wanted):
    """Page from the end to the start; return the ids of each page, the pages in reading order."""
    pages, before, more = [], None, True
    while more:
        variables = {"last": size, "before": before, "filter": wanted}
        connection = (await gateway.data(GROUPS, **variables))["groups"]
        info = connection["pageInfo"]
        assert info["hasNextPage"] is bool(pages)
        page = [edge["node"]["id"] for edge in connection["edges"]]
        assert not set(page) & set(joined(pages))
        pages.insert(0, page)
        more, before = info["hasPreviousPage"], info["startCursor"]
    return pages


def joined(pages):
    """Join pages."""
    return [id for page in pages for id in page]


@pytest.mark.parametrize("size", [9, 100, 1000])
async def test_forwards_through_all_groups(gateway, everything, size):
    """Every group is on one page, and every page but the last is full."""
    pages = await forwards(gateway, size)
    assert joined(pages) == everything
    assert {len(page) for page in pages[:-1]} <= {size}
    assert len(pages) == -(-len(everything) // size)


@pytest.mark.parametrize("size", [9, 100, 1000])
async def test_backwards_through_all_groups(gateway, everything, size):
    """From the end every group is on one page too, and every page but the first is full."""
    pages = await backwards(gateway, size)
    assert joined(pages) == everything
    assert {len(page) for page in pages[1:]} <= {size}
    assert len(pages) == -(-len(everything) // size)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 20])
async def test_both_ways_through_a_filter(gateway, seeded, size):
    """A filtered list has the same pages as an unfiltered one, however small."""
    patient = seeded.shared_patient
    expected = list(seeded.shared_patient_groups)
    assert joined(await forwards(gateway, size, patient=patient)) == expected
    assert joined(await backwards(gateway, size, patient=patient)) == expected


@pytest.mark.parametrize("size", [2, 30])
async def test_both_ways_through_a_filter_that_the_upstream_may_not_know(gateway, seeded, size):
    """So has one that the gateway applies itself where the upstream can't."""
    [practitioner] = {f"{10:032x}"}
    expected = [seeded.teams[1]]
    assert joined(await forwards(gateway, size, practitioner=practitioner)) == expected
    assert joined(await backwards(gateway, size, practitioner=practitioner)) == expected


async def test_back_and_forth_meet(gateway, everything):
    """The groups before a cursor, the group at it and those after it are neighbours."""
    first = (await gateway.data(GROUPS, first=12))["groups"]["edges"]
    cursor = first[7]["cursor"]
    before = (await gateway.data(GROUPS, last=5, before=cursor))["groups"]["edges"]
    after = (await gateway.data(GROUPS, first=5, after=cursor))["groups"]["edges"]
    around = [edge["node"]["id"] for edge in (*before, first[7], *after)]
    assert around == everything[2:13]


async def test_the_default_page(gateway, everything):
    """Without a number a page has twenty groups."""
    edges = (await gateway.data(GROUPS))["groups"]["edges"]
    assert [edge["node"]["id"] for edge in edges] == everything[:20]


@pytest.mark.parametrize("selection", ["totalCount", "totalCount nodes { id }"])
async def test_the_total_of_all_groups(gateway, everything, selection):
    """The total is right whether the upstream sends it always or only when asked."""
    data = await gateway.data(f"{{ groups(first: 2) {{ {selection} }} }}")
    assert data["groups"]["totalCount"] == len(everything)


async def test_the_total_of_a_filter(gateway, seeded):
    """`totalCount` counts the matching groups, whether upstream or gateway filters."""
    document = "query ($filter: GroupFilter) { groups(first: 1, filter: $filter) { totalCount } }"
    expected = {
        "patient": (seeded.shared_patient, len(seeded.shared_patient_groups)),
        "practitioner": (f"{20:032x}", 1),
        "id": ([*seeded.teams, "no-such-group"], len(seeded.teams)),
    }
    for name, (value, total) in expected.items():
        data = await gateway.data(document, filter={name: value})
        assert (name, data["groups"]["totalCount"]) == (name, total)


async def test_a_cursor_belongs_to_its_query(gateway, seeded):
    """A cursor of one filter is refused with another."""
    cursor = (await gateway.data(GROUPS, first=1))["groups"]["edges"][0]["cursor"]
    answer = await gateway(GROUPS, first=1, after=cursor, filter={"patient": seeded.shared_patient})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("upstream", ["medplum"], indirect=True)
async def test_the_end_of_a_long_list(make_gateway, fhir):
    """An upstream without a link to the last page is asked for its count, not for all pages."""
    names = [f"Substance {number:03}" for number in range(210)]
    for name in names:
        await fhir.create(make_group(name, "Patient", []) | {"type": "substance"})
    recorder = Recorder()
    gateway = await make_gateway(transport=recorder)
    document = "{ groups(filter: { type: SUBSTANCE }, last: 2) { nodes { name } } }"
    nodes = (await gateway.data(document))["groups"]["nodes"]
    assert [node["name"] for node in nodes] == names[-2:]
    assert len(recorder.calls) == 3
