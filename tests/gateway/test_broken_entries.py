"""One bad entry on a page never costs the others."""

import json

import pytest

from gateway.answering import Answering, answering, codes, ids, make_group, page, refusal

QUERY = "{ groups(first: 50) { nodes { id name } } }"
BACK = "{ groups(last: 50) { nodes { id } } }"
OUTCOME = json.loads(refusal("not all").content)
NAMES = "id name"


def raw(entry):
    """Make a page with an entry that no JSON library writes."""
    return (
        json.dumps(page("a", "MARK", "b"))
        .encode()
        .replace(json.dumps({"resource": make_group("MARK")}).encode(), entry)
    )


BARE = {name: b'"a%sb"' % sign for name, sign in (("tab", b"\t"), ("line", b"\n"), ("bell", b"\a"))}
DEEP = b"[" * 50_000 + b"]" * 50_000
"""Beyond what decoders take: Python 3.13 lets them go 10,000 levels deep, 3.11 about 1,000."""
BROKEN = {
    "a number without end": raw(b'{"resource":{"resourceType":"Group","id":"x","quantity":NaN}}'),
    "too many levels": raw(b'{"resource":{"resourceType":"Group","id":"x","contained":%s}}' % DEEP),
    "a lone surrogate": raw(rb'{"resource":{"resourceType":"Group","id":"x","name":"\ud83d"}}'),
    "bytes that are no UTF-8": raw(b'{"resource":{"resourceType":"Group","id":"x","name":"\xff"}}'),
    "no resource": page("a", {"fullUrl": "x"}, "b"),
    "null": page("a", None, "b"),
    "a string": page("a", "MARK", "b")
    | {"entry": [{"resource": make_group("a")}, "x", {"resource": make_group("b")}]},
    "no id": page("a", {"resource": {"resourceType": "Group"}}, "b"),
    "a number as the id": page("a", {"resource": {"resourceType": "Group", "id": 7}}, "b"),
    "another type": page("a", {"resource": {"resourceType": "Patient", "id": "1"}}, "b"),
    "a resource that is none": page("a", {"resource": []}, "b"),
    "a failure": page("a", {"resource": OUTCOME}, "b"),
    "a failure, as FHIR has it": page(
        "a", {"resource": OUTCOME, "search": {"mode": "outcome"}}, "b"
    ),
}


@pytest.mark.parametrize("query", [QUERY, BACK])
@pytest.mark.parametrize("name", BROKEN)
async def test_a_bad_entry(name, query):
    """The other groups are shown, with an error at the place of the list."""
    async with answering(Answering(lambda _: BROKEN[name])) as gateway:
        answer = await gateway(query)
        assert ids(answer) == ["a", "b"]
        [error] = answer["errors"]
        assert error["path"] == ["groups", "nodes"]
        assert error["extensions"]["code"] == "UPSTREAM_INVALID_RESPONSE"


async def test_a_page_that_is_cut_off_in_a_text_of_quotes():
    """It is refused at once: no byte of it is read over and over."""
    cut = b'{"resourceType":"Bundle","entry":[{"resource":{"name":"' + b'\\"' * 500_000
    async with answering(Answering(lambda _: cut)) as gateway:
        assert codes(await gateway(QUERY)) == {"UPSTREAM_INVALID_RESPONSE"}


HARMLESS = {
    "a total with a fraction of nothing": page("a", "b", total=2.0),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(page("a", "b")).encode(),
    "a link without an address": page("a", "b", link=[{"relation": "next", "url": None}]),
    "a warning": page("a", {"resource": {"resourceType": "OperationOutcome", "issue": []}}, "b"),
    "an included resource": page(
        "a",
        {"resource": {"resourceType": "Patient", "id": "1"}, "search": {"mode": "include"}},
        "b",
    ),
    "a link without url": page("a", "b") | {"link": [{"relation": "self"}]},
    "a link that is null": page("a", "b") | {"link": [None]},
    "links that are no list": page("a", "b") | {"link": {}},
    "a total in quotes": page("a", "b", total="2"),
    "a total that is none": page("a", "b", total={}),
    "a total too low": page("a", "b", total=0),
    "a total too high": page("a", "b", total=7),
    "a group twice": page("a", "b", "a", "b", "b"),
    "a search mode that is none": page("a", {"resource": make_group("b"), "search": {"mode": 7}}),
    "a search that is none": page("a", {"resource": make_group("b"), "search": "match"}),
}


@pytest.mark.parametrize("query", [QUERY, BACK])
@pytest.mark.parametrize("name", HARMLESS)
async def test_what_harms_nothing(name, query):
    """Each group is shown once, without an error."""
    async with answering(Answering(lambda _: HARMLESS[name])) as gateway:
        answer = await gateway(query)
        assert "errors" not in answer
        assert ids(answer) == ["a", "b"]


async def test_objects_in_the_place_of_lists():
    """An entry and a link that stand alone count as lists of one, whatever the link's case is."""

    def search(target):
        if "page=2" in target:
            return page("b")
        alone = {"link": {"relation": "Next", "url": "Group?page=2"}}
        return page("a") | alone | {"entry": {"resource": make_group("a")}}

    async with answering(Answering(search)) as gateway:
        answer = await gateway(QUERY)
        assert ids(answer) == ["a", "b"]
        assert "errors" not in answer


@pytest.mark.parametrize("size", [1, 2, 3, 4, 50])
async def test_pages_that_overlap(size):
    """A group that ends one page and begins the next is given once, page by page too."""
    pages = {"": ("a", "b", "c"), "2": ("c", "d", "d"), "3": ("d", "e")}

    def answer(target):
        number = target.partition("page=")[2]
        following = {"": "2", "2": "3"}.get(number)
        return page(*pages[number], onward=f"?page={following}" if following else None)

    document = """query ($size: Int, $after: String) {
        groups(first: $size, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"""
    async with answering(Answering(answer)) as gateway:
        found, after, more = [], None, True
        while more:
            groups = (await gateway.data(document, size=size, after=after))["groups"]
            found += [node["id"] for node in groups["nodes"]]
            more, after = groups["pageInfo"]["hasNextPage"], groups["pageInfo"]["endCursor"]
        assert found == ["a", "b", "c", "d", "e"]


async def test_a_broken_page_is_asked_for_again():
    """What is broken is not kept, so that what is mended is seen at once."""
    answers = iter([BROKEN["null"] | {"total": 3}, page("a", "b", total=2)])
    async with answering(Answering(lambda _: next(answers))) as gateway:
        assert codes(await gateway(QUERY)) == {"UPSTREAM_INVALID_RESPONSE"}
        assert "errors" not in await gateway(QUERY)


@pytest.mark.parametrize("name", BARE)
async def test_a_text_with_a_bare_control_character(name):
    """A read shows what a list shows, although a control character is no valid JSON."""
    group = json.dumps(make_group("a")).encode().replace(b'"name": "a"', b'"name": ' + BARE[name])

    def answer(target):
        if target == "/Group/a":
            return group
        return (
            json.dumps(page("MARK"))
            .encode()
            .replace(json.dumps(make_group("MARK")).encode(), group)
        )

    async with answering(Answering(answer)) as gateway:
        expected = {"id": "a", "name": BARE[name].decode().strip('"')}
        assert (await gateway.data(QUERY))["groups"]["nodes"] == [expected]
        assert (await gateway.data('{ group(id: "a") { id name } }'))["group"] == expected


async def test_the_version_of_a_group_that_no_type_can_hold():
    """A number beyond all types is an error at its own element; the list stands, with versions."""
    beyond = page("a", {"resource": make_group("x") | {"quantity": "MARK"}}, "b")
    body = json.dumps(beyond).encode().replace(b'"MARK"', b"9" * 5_000)
    async with answering(Answering(lambda _: body)) as gateway:
        answer = await gateway("{ groups(first: 50) { nodes { id quantity version } } }")
        assert ids(answer) == ["a", "x", "b"]
        assert [error["path"][-1] for error in answer["errors"]] == ["quantity"]
