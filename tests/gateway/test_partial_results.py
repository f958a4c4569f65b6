"""A group without some elements, as some searches return it, never counts as the whole group."""

import copy

import pytest

from gateway.answering import Answering, answering, codes, make_group, page

SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
WHOLE = {
    id: make_group(
        id, characteristic=[{"code": {"text": "x"}, "valueBoolean": True, "exclude": False}]
    )
    for id in ("a", "b", "c")
}
INSIDE = """{ groups { totalCount nodes {
    id version member { entity { reference } } characteristic { code { text } } } } }"""
VERSION = "query ($id: ID!) { group(id: $id) { version } }"
MEMBERS = """{ a: group(id: "a") { ...members } b: group(id: "b") { ...members } }
fragment members on Group { member { inactive } }"""


def shortened(*names, tag=None, quantity=True):
    """Make a search that leaves elements out."""

    def answer(_):
        entries = []
        for group in WHOLE.values():
            part = copy.deepcopy({k: v for k, v in group.items() if k not in names})
            if not quantity:
                del part["quantity"]
            if tag is not None:
                part["meta"] = {"tag": tag}
            entries.append({"resource": part})
        return page(*entries, total=3)

    return answer


SERVERS = {
    "tagged": shortened("member", tag=[SUBSETTED]),
    "tagged without a system": shortened("member", tag=[{"code": "SUBSETTED"}]),
    "tagged in other letters": shortened("member", tag=[{"system": "x", "code": "subsetted"}]),
    "tagged among others": shortened("member", tag=[{"code": "x"}, SUBSETTED]),
    "tagged with a single object": shortened("member", tag=SUBSETTED),
    "no members": shortened("member"),
    "no members and no count": shortened("member", quantity=False),
    "summaries": shortened("member", "characteristic"),
}


@pytest.mark.parametrize("name", SERVERS)
async def test_a_search_that_gives_parts(name):
    """What is shown of a group is what a read shows, its version included."""
    upstream = Answering(SERVERS[name], WHOLE)
    async with answering(upstream) as gateway:
        groups = (await gateway.data(INSIDE))["groups"]
        assert groups["totalCount"] == 3
        for node in groups["nodes"]:
            [member] = node["member"]
            assert member["entity"]["reference"] == f"Patient/of-{node['id']}"
            assert len(node["characteristic"]) == 1
            single = await gateway.data(VERSION, id=node["id"])
            assert single["group"]["version"] == node["version"]


@pytest.mark.parametrize("name", SERVERS)
async def test_a_filter_on_parts(name):
    """A group is found by its members although the search does not show them."""
    async with answering(Answering(SERVERS[name], WHOLE)) as gateway:
        query = '{ groups(filter: { patient: "of-b" }) { nodes { id name } } }'
        assert (await gateway.data(query))["groups"]["nodes"] == [{"id": "b", "name": "b"}]


@pytest.mark.parametrize("name", SERVERS)
async def test_several_groups_by_id(name):
    """A part found by an id list is not kept as the group."""
    async with answering(Answering(SERVERS[name], WHOLE)) as gateway:
        names = await gateway.data(
            '{ a: group(id: "a") { name } b: group(id: "b") { name } c: group(id: "c") { id } }'
        )
        assert names["a"] == {"name": "a"}
        assert [len(group["member"]) for group in (await gateway.data(MEMBERS)).values()] == [1, 1]


async def test_a_part_that_can_not_be_read():
    """Where the group itself can't be read, the search is an error and shows no part."""
    async with answering(Answering(SERVERS["tagged"])) as gateway:
        assert codes(await gateway(INSIDE)) == {"UPSTREAM_INVALID_RESPONSE"}


async def test_whole_results_cost_nothing_more():
    """A server that shows members in its searches is believed at once."""
    upstream = Answering(
        lambda _: page("a", "b", {"resource": make_group("c", member=[])}, total=3), WHOLE
    )
    async with answering(upstream) as gateway:
        await gateway.data(INSIDE)
        assert len(upstream.calls) == 1


async def test_a_read_that_gives_a_part():
    """A read tagged as a part is an error, and nothing is written on its base."""
    part = make_group("a", meta={"tag": [SUBSETTED]})
    upstream = Answering(lambda _: page(), {"a": part})
    async with answering(upstream) as gateway:
        assert codes(await gateway('{ group(id: "a") { name } }')) == {"UPSTREAM_INVALID_RESPONSE"}
        update = 'mutation { updateGroup(input: { id: "a", name: "b" }) { group { id } } }'
        assert codes(await gateway(update)) == {"UPSTREAM_INVALID_RESPONSE"}
        assert not [call for call in upstream.calls if call.startswith("PUT")]
