"""Upstreams of other makes: paged by links alone, by numbers, wrongly, or not at all."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.foreign import Foreign, make_bundle, make_ids
from gateway.paging import (
    GROUPS,
    backwards,
    bench,
    cut,
    cut_from_the_end,
    forwards,
    ids_of,
    one_page,
)

LINKED = (
    ("self", "next"),
    ("self", "next", "previous"),
    ("self", "next", "last"),
    ("self", "first", "next", "previous", "last"),
)


async def refusal(gateway, **paging):
    """Ask for a page that can't be served; return the error's code."""
    answer = await gateway(GROUPS, **paging)
    assert answer["data"] == {"groups": None}
    return {error["extensions"]["code"] for error in answer["errors"]}


@settings(max_examples=60)
@given(
    count=st.integers(0, 25),
    relations=st.sampled_from(LINKED),
    tokens=st.booleans(),
    echoes=st.booleans(),
    total=st.booleans(),
    eager=st.booleans(),
    rounds=st.booleans(),
    hidden=st.sets(st.sampled_from(make_ids(25)), max_size=4),
    size=st.integers(1, 30),
)
async def test_every_group_once_both_ways(size, **style):
    """However an upstream links and counts, the pages are complete and full both ways."""
    # A `self` link that says what was asked for and not what was given is a lie.
    assume(not (style["echoes"] and style["rounds"]))
    upstream = Foreign(**style)
    expected = [id for id in make_ids(upstream.count) if id not in upstream.hidden]
    async with bench(upstream) as it:
        full, back = await forwards(it.gateway, size), await backwards(it.gateway, size)
    assert [page for page in full if page] == [page for page in cut(expected, size) if page]
    assert [page for page in back if page] == [
        page for page in cut_from_the_end(expected, size) if page
    ]


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("relations", [(), ("self",)])
@pytest.mark.parametrize("count", [0, 1, 19, 20, 21, 40, 45])
async def test_pages_that_are_not_linked(count, relations, total):
    """Without any page link the next numbers are tried: nothing is cut off in silence."""
    async with bench(Foreign(count, relations, total=total)) as it:
        expected = make_ids(count)
        assert await forwards(it.gateway, 20) == cut(expected, 20)
        assert await backwards(it.gateway, 20) == cut_from_the_end(expected, 20)


@pytest.mark.parametrize(("count", "size"), [(5, 20), (0, 20), (99, 1000)])
async def test_an_upstream_that_knows_no_pages(count, size):
    """A page with all groups, without links and without a total, counts as complete."""
    async with bench(Foreign(count, (), tokens=True)) as it:
        assert await forwards(it.gateway, size) == [make_ids(count)]


@pytest.mark.parametrize(("relations", "total"), [((), True), ((), False), (("self",), True)])
async def test_more_groups_than_a_page_holds(relations, total):
    """Where pages are neither linked nor numbered, a larger page is asked for, once."""
    async with bench(Foreign(145, relations, tokens=True, total=total)) as it:
        for _ in range(2):
            assert await forwards(it.gateway, 20) == cut(make_ids(145), 20)
            assert await backwards(it.gateway, 20) == cut_from_the_end(make_ids(145), 20)
        sizes = [call.partition("_count=")[2].partition("&")[0] for call in it.calls]
        assert sizes[:3] == ["20", "100", "1000"]
        assert len(sizes) <= 4


@pytest.mark.parametrize(("count", "size"), [(20, 20), (7, 7), (7, 3)])
@pytest.mark.parametrize("relations", [(), ("self",), ("self", "first")])
async def test_a_page_that_is_full_by_chance(count, size, relations):
    """Without a `next` link a full page may be incomplete: a larger one decides."""
    async with bench(Foreign(count, relations, tokens=True)) as it:
        assert await forwards(it.gateway, size) == cut(make_ids(count), size)
        assert await backwards(it.gateway, size) == cut_from_the_end(make_ids(count), size)


@pytest.mark.parametrize("size", [1, 7, 50])
async def test_a_server_that_goes_by_no_number(size):
    """One that gives everything at once, whatever it is asked, has given everything."""
    everything = Foreign(150, (), tokens=True, fixed=1000)
    async with bench(everything) as it:
        assert await forwards(it.gateway, size) == cut(make_ids(150), size)


async def test_pages_that_only_a_total_tells_of():
    """A server that links its ends alone is asked for the next numbers while its total is more."""
    async with bench(Foreign(45, ("self", "first", "last"), total=True, most=20)) as it:
        assert await forwards(it.gateway, 50) == [make_ids(45)]


@pytest.mark.parametrize(("relations", "total"), [((), True), ((), False), (("self",), True)])
async def test_more_groups_than_can_be_reached(relations, total):
    """A full page that neither links, nor obeys numbers, is an error once more is asked for."""
    async with bench(Foreign(145, relations, tokens=True, total=total, most=100)) as it:
        assert len((await it.gateway.data("{ groups { nodes { id } } }"))["groups"]["nodes"]) == 20
        assert await refusal(it.gateway, first=100) == {"UPSTREAM_INVALID_RESPONSE"}
        assert await refusal(it.gateway, last=20) == {"UPSTREAM_INVALID_RESPONSE"}


@pytest.mark.parametrize("size", [1, 3, 20])
async def test_numbers_that_contradict_the_pages(size):
    """Where numbers count from 1, or count what is no group, pages are walked from the start."""

    def with_an_empty_entry(bundle):
        return bundle | {"entry": [*bundle["entry"], {}]}

    for upstream in (
        Foreign(7, first_number=1, total=True),
        Foreign(7, most=2, change=with_an_empty_entry),
    ):
        async with bench(upstream) as it:
            found = [id for page in await _backwards(it.gateway, size) for id in page]
            assert found == make_ids(7)


async def _backwards(gateway, size):
    """Page from the end to the start, past errors about the entries that are no groups."""
    pages, before, more = [], None, True
    while more:
        groups = (await gateway(GROUPS, last=size, before=before))["data"]["groups"]
        pages.insert(0, ids_of(groups))
        more, before = groups["pageInfo"]["hasPreviousPage"], groups["pageInfo"]["startCursor"]
    return pages


async def test_a_next_link_to_an_empty_page():
    """By the total the page is known to be the last; without one the next page is empty."""
    async with bench(Foreign(20, eager=True, total=True)) as it:
        assert await forwards(it.gateway, 20) == [make_ids(20)]
        assert it.calls == ["/Group?_count=20&_offset=0", "/Group?_count=20&_offset=20"]
    async with bench(Foreign(20, eager=True)) as it:
        assert await forwards(it.gateway, 20) == [make_ids(20), []]


async def test_a_link_to_another_host():
    """Of a page link only the query counts, wherever it leads."""
    upstream = Foreign(45, base="https://elsewhere.test:8443/fhir/Group", tokens=True)
    async with bench(upstream) as it:
        assert await forwards(it.gateway, 20) == cut(make_ids(45), 20)
        assert {call.partition("?")[0] for call in it.calls} == {"/Group"}


@pytest.mark.parametrize("base", ["", "?ignored", "Group"])
async def test_relative_links(base):
    """A link may be a query alone, or have no slash before the type."""
    async with bench(Foreign(45, base=base.partition("?")[0])) as it:
        assert await forwards(it.gateway, 20) == cut(make_ids(45), 20)
        assert {call.partition("?")[0] for call in it.calls} == {"/Group"}


async def test_links_at_the_servers_base():
    """Some servers page at their base URL."""
    upstream = Foreign(45, ("self", "next", "previous"), base="http://upstream.test", tokens=True)
    async with bench(upstream) as it:
        assert await forwards(it.gateway, 20) == cut(make_ids(45), 20)
        assert [call.partition("?")[0] for call in it.calls][:2] == ["/Group", "/"]


def relinked(url):
    """Make a change that lets each `next` link lead to a URL."""

    def change(bundle):
        for link in bundle["link"]:
            if link["relation"] == "next":
                link["url"] = url
        return bundle

    return change


@pytest.mark.parametrize(
    "url",
    [
        "/Group?_count=100&_offset=0",
        "/Group?token=0&_count=100",
        "/Group/page/2",
        "http://[bad",
        "",
    ],
)
async def test_links_that_lead_nowhere(url):
    """Circles, and links whose query says nothing, end in an error and not in doubled groups."""
    async with bench(Foreign(250, change=relinked(url))) as it:
        assert await refusal(it.gateway, first=150) == {"UPSTREAM_INVALID_RESPONSE"}
        assert len(it.calls) <= 3


async def test_a_circle_of_ever_new_links():
    """A circle is seen by what is on its pages, whatever their links are called."""
    names = iter(range(1000))

    def change(bundle):
        return relinked(f"/Group?token=0&_count=100&n={next(names)}")(bundle)

    async with bench(Foreign(250, change=change)) as it:
        assert await refusal(it.gateway, first=1000) == {"UPSTREAM_INVALID_RESPONSE"}
        assert len(it.calls) <= 3


async def test_groups_that_move_between_two_pages():
    """A group that moved on to the next page while they were read is given once."""
    upstream = Foreign(30, tokens=True)

    def change(bundle):
        upstream.change = moved
        return bundle

    def moved(bundle):
        bundle["entry"].insert(0, make_bundle(["group-019"])["entry"][0])
        return bundle

    upstream.change = change
    async with bench(upstream) as it:
        data = await it.gateway.data("{ groups(first: 100) { nodes { id } } }")
        ids = [node["id"] for node in data["groups"]["nodes"]]
        assert ids == make_ids(30)


async def test_a_page_that_the_upstream_has_dropped():
    """A cursor on a page that is gone says so, and to begin anew."""
    upstream = Foreign(45, tokens=True)
    async with bench(upstream, cache_ttl=0) as it:
        cursor = (await one_page(it.gateway, first=30))["pageInfo"]["endCursor"]
        upstream.gone = True
        answer = await it.gateway(GROUPS, first=20, after=cursor)
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "Start again" in error["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b"<html>",
        b"",
        b'{"resourceType": "Group", "id": "1"}',
        {"resourceType": "Bundle", "entry": {}},
    ],
)
async def test_broken_bundles(body):
    """What is no Bundle of groups is an error, and is not kept."""
    upstream = Foreign(3, change=lambda _: body)
    async with bench(upstream) as it:
        assert await refusal(it.gateway) == {"UPSTREAM_INVALID_RESPONSE"}
        upstream.change = lambda bundle: bundle
        assert await forwards(it.gateway, 20) == [make_ids(3)]


async def test_entries_that_are_no_matches():
    """Included resources and outcomes among the entries are passed over."""

    def change(bundle):
        outcome = {"resourceType": "OperationOutcome", "issue": []}
        bundle["entry"].insert(0, {"resource": outcome, "search": {"mode": "outcome"}})
        return bundle

    async with bench(Foreign(3, change=change)) as it:
        assert await forwards(it.gateway, 20) == [make_ids(3)]
