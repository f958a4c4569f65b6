"""A group without some elements, as some searches return it, never counts as the whole group."""

import copy

import pytest

from gateway.answering import Answering, answering, codes, ids, make_group, page

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
    """A server whose searches show the requested elements is trusted at once."""
    upstream = Answering(shortened(), WHOLE)
    inside = "{ groups { nodes { id quantity member { inactive } characteristic { exclude } } } }"
    async with answering(upstream) as gateway:
        await gateway.data(inside)
        assert len(upstream.calls) == 1


async def test_an_element_that_no_group_has():
    """Groups are read once to see whether the search omits an element, and not afterwards."""
    upstream = Answering(shortened(), WHOLE)
    async with answering(upstream, cache_ttl=0, cache_search_ttl=0) as gateway:
        for selected in ("identifier { value }", "active", "version", "extension { url }"):
            await gateway.data(f"{{ groups {{ nodes {{ id {selected} }} }} }}")
    reads = [call for call in upstream.calls if "?" not in call]
    assert reads == ["GET /Group/a", "GET /Group/b", "GET /Group/c"]


SELECTIONS = {
    "identifier": ("identifier { value }", [{"system": "s", "value": "v"}], [{"value": "v"}]),
    "active": ("active", False, False),
    "code": ("code { text }", {"text": "x"}, {"text": "x"}),
    "managingEntity": ("managingEntity { display }", {"display": "x"}, {"display": "x"}),
    "extension": ("extension { url }", [{"url": "x", "valueCode": "x"}], [{"url": "x"}]),
    "modifierExtension": ("modifierExtension { url }", [{"url": "x"}], [{"url": "x"}]),
    "meta": ("meta { source }", {"source": "x"}, {"source": "x"}),
    "name": ("name", "x", "x"),
    "characteristic": (
        "characteristic { exclude }",
        [{"code": {"text": "x"}, "valueBoolean": True, "exclude": True}],
        [{"exclude": True}],
    ),
}


def omitting(name, rich="abc", every="abc"):
    """Make an upstream whose searches lack an element that its `rich` groups have."""
    found = {id: {k: v for k, v in make_group(id).items() if k != name} for id in every}
    whole = {
        id: {**group, name: SELECTIONS[name][1]} if id in rich else group
        for id, group in found.items()
    }
    bundle = page(*({"resource": group} for group in found.values()), total=len(every))
    return Answering(lambda _: bundle, whole)


@pytest.mark.parametrize("name", SELECTIONS)
async def test_a_search_without_one_element(name):
    """A list shows the element of each group, as a read does."""
    selected, _, shown = SELECTIONS[name]
    async with answering(omitting(name)) as gateway:
        nodes = (await gateway.data(f"{{ groups {{ nodes {{ id {selected} }} }} }}"))["groups"][
            "nodes"
        ]
        assert [node[name] for node in nodes] == [shown] * 3


@pytest.mark.parametrize("name", SELECTIONS)
async def test_only_some_groups_have_the_element(name):
    """The omission is found although the first groups lack the element in reads too."""
    selected, _, shown = SELECTIONS[name]
    async with answering(omitting(name, rich="c")) as gateway:
        nodes = (await gateway.data(f"{{ groups {{ nodes {{ id {selected} }} }} }}"))["groups"][
            "nodes"
        ]
        assert nodes[2][name] == shown != nodes[1][name] == nodes[0][name]
        document = f'{{ a: group(id: "a") {{ {selected} }} c: group(id: "c") {{ {selected} }} }}'
        assert await gateway.data(document) == {"a": {name: nodes[0][name]}, "c": {name: shown}}


@pytest.mark.parametrize("name", ["identifier", "extension"])
async def test_a_read_shows_what_a_search_omits(name):
    """If no group that was compared has the element, a read of another shows the omission."""
    selected, _, shown = SELECTIONS[name]
    upstream = omitting(name, rich="b", every="abcdefghxyz")
    async with answering(upstream, cache_search_ttl=0) as gateway:
        listed = f"{{ groups {{ nodes {{ id {selected} }} }} }}"
        await gateway.data(listed)
        assert len(upstream.calls) == 1 + 6
        assert (await gateway.data(f'{{ group(id: "b") {{ {selected} }} }}'))["group"][
            name
        ] == shown
        nodes = (await gateway.data(listed + " "))["groups"]["nodes"]
        assert [node["id"] for node in nodes if node[name]] == ["b"]


async def test_an_element_that_only_fhir_r5_has():
    """A version in a list is the version of a read, whatever a search omits."""
    whole = {id: make_group(id, membership="enumerated") for id in "ab"}
    found = page(*({"resource": make_group(id)} for id in whole), total=2)
    async with answering(Answering(lambda _: found, whole)) as gateway:
        for node in (await gateway.data("{ groups { nodes { id version } } }"))["groups"]["nodes"]:
            single = await gateway.data(VERSION, id=node["id"])
            assert single["group"]["version"] == node["version"]


@pytest.mark.parametrize("shown", [0, 1])
async def test_long_lists_of_members_are_cut(shown):
    """A group whose own count is higher than its members is read, though others are whole."""
    members = [{"entity": {"reference": f"Patient/{n}"}} for n in range(3)]
    whole = {"a": make_group("a"), "b": make_group("b", member=members, quantity=3)}
    cut = {**whole["b"], "member": members[:shown]}
    found = page({"resource": whole["a"]}, {"resource": cut}, total=2)
    async with answering(Answering(lambda _: found, whole)) as gateway:
        nodes = (await gateway.data(INSIDE))["groups"]["nodes"]
        assert [len(node["member"]) for node in nodes] == [1, 3]


@pytest.mark.parametrize("name", SELECTIONS)
async def test_groups_by_id_that_lack_one_element(name):
    """A group that an id list found for its type does not serve later requests for more."""
    selected, _, shown = SELECTIONS[name]
    async with answering(omitting(name)) as gateway:
        await gateway.data('{ a: group(id: "a") { type } b: group(id: "b") { type } }')
        document = f'{{ a: group(id: "a") {{ {selected} }} b: group(id: "b") {{ {selected} }} }}'
        assert await gateway.data(document) == {"a": {name: shown}, "b": {name: shown}}
        [single] = (await gateway.data(f'{{ group(id: "b") {{ {selected} }} }}')).values()
        assert single == {name: shown}


async def test_a_filter_by_what_a_search_omits():
    """A filter that is applied here compares the group itself."""
    async with answering(omitting("identifier")) as gateway:
        query = '{ groups(filter: { identifier: { value: "v" } }) { nodes { id } } }'
        assert ids(await gateway(query)) == ["a", "b", "c"]


async def test_members_that_are_cut_in_depth():
    """A search that omits each member's period is not trusted after a comparison."""
    whole = {
        id: make_group(
            id, member=[{"entity": {"reference": "Patient/1"}, "period": {"start": "2020"}}]
        )
        for id in ("a", "b")
    }
    cut = page(*({"resource": make_group(id)} for id in whole), total=2)
    async with answering(Answering(lambda _: cut, whole)) as gateway:
        query = "{ groups { nodes { identifier { value } member { period { start } } } } }"
        nodes = (await gateway.data(query))["groups"]["nodes"]
        assert [node["member"] for node in nodes] == [[{"period": {"start": "2020"}}]] * 2


async def test_a_read_that_gives_a_part():
    """A read tagged as a part is an error, and nothing is written on its base."""
    part = make_group("a", meta={"tag": [SUBSETTED]})
    upstream = Answering(lambda _: page(), {"a": part})
    async with answering(upstream) as gateway:
        assert codes(await gateway('{ group(id: "a") { name } }')) == {"UPSTREAM_INVALID_RESPONSE"}
        update = 'mutation { updateGroup(input: { id: "a", name: "b" }) { group { id } } }'
        assert codes(await gateway(update)) == {"UPSTREAM_INVALID_RESPONSE"}
        assert not [call for call in upstream.calls if call.startswith("PUT")]
