"""Paging through groups: none lost, none doubled, and no more calls than needed."""

from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.paging import backwards, bench, cut, cut_from_the_end, forwards, ids_of, one_page
from group_gateway.sandbox import SandboxOptions
from group_gateway.sandbox import create_app as create_sandbox
from group_gateway.sandbox.data.seeded_people import reference
from group_gateway.sandbox.quirks import Quirks

TEAMS = {"type": "PRACTITIONER"}
PRACTITIONER = reference("Practitioner", 7)
PATIENT = reference("Patient", 2)
FILTERS = {
    "everything": (None, bool),
    "type": (TEAMS, lambda body: '"type":"practitioner"' in body),
    "practitioner": (
        {"practitioner": PRACTITIONER.removeprefix("Practitioner/")},
        lambda body: PRACTITIONER in body,
    ),
    "patient": (
        {"patient": PATIENT.removeprefix("Patient/"), "type": "PERSON"},
        lambda body: PATIENT in body and '"type":"person"' in body,
    ),
}


@asynccontextmanager
async def small_sandbox(*, teams=0, persons=0, **quirks):
    """Yield a sandbox with these numbers of teams and patient groups, and the ten fixed groups."""
    options = {"teams": teams, "person_groups": persons, "medium_members": 2, "large_members": 2}
    app = create_sandbox(SandboxOptions(**options, quirks=Quirks(**quirks)))
    yield app
    app.state.sandbox.close()


def stored(app, fits):
    """Return the ids of the groups that fit, straight from the sandbox's database."""
    rows = app.state.sandbox.store.connection.execute("SELECT id, body FROM groups ORDER BY seq")
    return [id for id, body in rows if fits(body.decode().replace(" ", ""))]


@st.composite
def behaviours(draw):
    """Draw how the sandbox behaves: its links, its page maximum, what it ignores."""
    names = ("opaque_links", "absolute_links", "no_links", "no_total", "member_parameter")
    return {
        "max_count": draw(st.integers(4, 12) | st.just(100)),
        "ignore_parameters": draw(
            st.sampled_from([(), ("type",), ("patient",), ("type", "patient", "member")])
        ),
        **{name: draw(st.booleans()) for name in names},
    }


@settings(max_examples=50)
@given(
    quirks=behaviours(),
    counts=st.tuples(st.integers(0, 24), st.integers(0, 24)),
    kind=st.sampled_from(sorted(FILTERS)),
    size=st.integers(1, 30),
    cached=st.booleans(),
)
async def test_every_group_is_on_one_page(quirks, counts, kind, size, cached):
    """Pages of any size, both ways, on any upstream, make up the full list, and are full."""
    wanted, fits = FILTERS[kind]
    async with (
        small_sandbox(teams=counts[0], persons=counts[1], **quirks) as sandbox,
        bench(sandbox, **({} if cached else {"cache_ttl": 0})) as it,
    ):
        expected = stored(sandbox, fits)
        assert await forwards(it.gateway, size, wanted) == cut(expected, size)
        assert await backwards(it.gateway, size, wanted) == cut_from_the_end(expected, size)


@pytest.mark.parametrize("total", [99, 100, 101, 200, 201])
@pytest.mark.parametrize("size", [99, 100, 101, 1000])
async def test_around_the_upstreams_page_maximum(total, size):
    """A page that ends right at, before or behind the upstream's own is exact."""
    async with small_sandbox(teams=total) as sandbox, bench(sandbox) as it:
        expected = stored(sandbox, FILTERS["type"][1])
        assert len(expected) == total
        assert await forwards(it.gateway, size, TEAMS) == cut(expected, size)
        assert await backwards(it.gateway, size, TEAMS) == cut_from_the_end(expected, size)


@pytest.mark.parametrize(
    ("total", "paging", "calls"),
    [
        (30, {"first": 10}, ["_count=10&_offset=0"]),
        (10, {"first": 10}, ["_count=10&_offset=0"]),
        (250, {"first": 100}, ["_count=100&_offset=0"]),
        (250, {"first": 101}, ["_count=100&_offset=0", "_count=100&_offset=100"]),
        (5, {"first": 1000}, ["_count=100&_offset=0"]),
        (30, {"last": 10}, ["_count=10&_offset=0", "_count=10&_offset=20"]),
        (30, {"last": 40}, ["_count=40&_offset=0"]),
    ],
)
async def test_a_page_costs_as_few_calls_as_it_can(total, paging, calls):
    """One call for each page of the upstream's, one more to find the end; none to look ahead."""
    async with small_sandbox(teams=total) as sandbox, bench(sandbox) as it:
        await one_page(it.gateway, TEAMS, **paging)
        assert it.calls == [f"/Group?type=practitioner&{call}" for call in calls]


@pytest.mark.parametrize("quirks", [{}, {"absolute_links": True}, {"no_total": True}])
async def test_a_page_after_a_cursor_is_one_call(quirks):
    """An upstream that numbers its groups is entered at the very group."""
    async with small_sandbox(teams=30, **quirks) as sandbox, bench(sandbox, cache_ttl=0) as it:
        cursor = (await one_page(it.gateway, TEAMS, first=20))["edges"][6]["cursor"]
        it.calls.clear()
        await one_page(it.gateway, TEAMS, first=9, after=cursor)
        await one_page(it.gateway, TEAMS, last=5, before=cursor)
        assert [call.removeprefix("/Group?type=practitioner&") for call in it.calls] == [
            "_count=9&_offset=7",
            "_count=5&_offset=1",
        ]


async def test_a_next_page_of_an_upstream_with_opaque_links():
    """Its own next link is followed; the page that the cursor is on comes from the cache."""
    async with small_sandbox(teams=30, opaque_links=True) as sandbox, bench(sandbox) as it:
        cursor = (await one_page(it.gateway, TEAMS, first=10))["pageInfo"]["endCursor"]
        await one_page(it.gateway, TEAMS, first=10, after=cursor)
        assert len(it.calls) == 2
        assert it.calls[1].endswith("_getpagesoffset=10")


@pytest.mark.parametrize(
    ("selection", "calls"),
    [("nodes { id }", 1), ("edges { cursor }", 1), ("nodes { id } pageInfo { hasNextPage }", 3)],
)
async def test_nobody_looks_ahead_unasked(selection, calls):
    """Whether more follows behind what the upstream did not filter is looked for on demand."""
    wanted, fits = FILTERS["practitioner"]
    async with small_sandbox(teams=200) as sandbox, bench(sandbox) as it:
        everything = stored(sandbox, FILTERS["everything"][1])
        on_the_first_page = set(everything[:100]) & set(stored(sandbox, fits))
        document = (
            f"query ($filter: GroupFilter) {{ groups(first: {len(on_the_first_page)},"
            f" filter: $filter) {{ {selection} }} }}"
        )
        await it.gateway.data(document, filter=wanted)
        assert it.calls[0] == "/metadata"
        assert 1 <= len(it.calls[1:]) <= calls
        assert (len(it.calls[1:]) > 1) is (calls > 1)


async def test_no_group_asked_for():
    """`first: 0` gives no group; only `pageInfo` costs a call, and is exact."""
    document = "{ groups(first: 0, filter: { type: %s }) { nodes { id } %s } }"
    async with small_sandbox(teams=3) as sandbox, bench(sandbox) as it:
        assert await it.gateway.data(document % ("PRACTITIONER", "")) == {"groups": {"nodes": []}}
        assert it.calls == []
        for type, more in (("PRACTITIONER", True), ("MEDICATION", False)):
            data = await it.gateway.data(document % (type, "pageInfo { hasNextPage }"))
            assert data["groups"]["pageInfo"] == {"hasNextPage": more}
        assert [call for call in it.calls if call != "/metadata"] == [
            "/Group?type=practitioner&_count=1&_offset=0",
            "/Group?type=medication&_count=1&_offset=0",
        ]


async def test_back_and_forth_meet():
    """The groups before a cursor, the group at it and those after it are neighbours."""
    async with small_sandbox(teams=30) as sandbox, bench(sandbox) as it:
        edges = (await one_page(it.gateway, TEAMS, first=12))["edges"]
        cursor = edges[7]["cursor"]
        before = await one_page(it.gateway, TEAMS, last=5, before=cursor)
        after = await one_page(it.gateway, TEAMS, first=5, after=cursor)
        around = [*ids_of(before), edges[7]["node"]["id"], *ids_of(after)]
        assert around == stored(sandbox, FILTERS["type"][1])[2:13]


@pytest.mark.parametrize("aliases", [1, 5])
async def test_the_same_page_twice_is_one_call(aliases):
    """Aliases of one page, and of its parts, share it."""
    fields = " ".join(f"g{i}: groups(first: 3) {{ nodes {{ id }} }}" for i in range(aliases))
    async with small_sandbox() as sandbox, bench(sandbox) as it:
        await it.gateway.data(f"{{ {fields} a: groups(first: 3) {{ totalCount }} }}")
        assert len(it.calls) == 1
