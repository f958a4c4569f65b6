"""Page links are followed anywhere at or below the base URL, and nowhere else."""

import pytest

from gateway.answering import Answering, answering, codes, ids, page

QUERY = "{ groups(first: 50) { nodes { id } } }"


def two_pages(link, expected, own=None):
    """Make a server whose first page links to a second one, which is at another target."""

    def answer(target):
        if target.startswith(expected) or (expected[0] == "?" and target[1:].startswith(expected)):
            return page("b")
        assert target.startswith("/Group?_count"), target
        found = page("a", onward=link)
        found["link"] += [{"relation": "self", "url": own}] if own else []
        return found

    return answer


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("{base}/Group/__page?__t=1&page-id=x", "/Group/__page?__t=1&page-id=x"),
        ("{base}/_snapshot?id=x", "/_snapshot?id=x"),
        ("{base}/Group/__page/token-1", "/Group/__page/token-1"),
        ("{base}/Group/__page/a%2Fb", "/Group/__page/a%2Fb"),
        ("{base}?_getpages=1&_bundletype=searchset", "?_getpages=1"),
        ("{base}/?_getpages=1", "?_getpages=1"),
        ("{base}/./Group?page=2", "/Group?page=2"),
        ("{base}/x/../Group?page=2", "/Group?page=2"),
        ("https://elsewhere.test{base}//Group?page=2", "/Group?page=2"),
        ("https://elsewhere.test:8443{base}/Group?page=2", "/Group?page=2"),
        ("HTTP://ELSEWHERE.TEST{base}/Group?page=2", "/Group?page=2"),
        ("//elsewhere.test{base}/Group?page=2", "/Group?page=2"),
        ("Group?page=2", "/Group?page=2"),
        ("./Group?page=2", "/Group?page=2"),
        ("/Group?page=2", "/Group?page=2"),
        ("?page=2", "/Group?page=2"),
        ("{base}/Group?page=2#fragment", "/Group?page=2"),
        ("{base}/Group?token", "/Group?token"),
        ("{base}/Group?a=1;b=2&c=%20d+e", "/Group?a=1;b=2&c=%20d+e"),
        ("{base}/Group?a=x|y&b=(1,2)", "/Group?a=x"),
    ],
)
@pytest.mark.parametrize("base", ["", "/fhir", "/api/fhir/r4"])
async def test_a_link_below_the_base(base, link, target):
    """Path and query are kept as they are; scheme and host are the base URL's."""
    url = (
        link.format(base=base) if base or not link.startswith("{base}?") else link.format(base="/")
    )
    upstream = Answering(two_pages(url, target), base=base)
    async with answering(upstream) as gateway:
        answer = await gateway(QUERY)
        assert "errors" not in answer, answer
        assert ids(answer) == ["a", "b"]


async def test_a_server_that_knows_another_base():
    """Behind a proxy a server names its own base URL, which its `self` link shows."""
    own = "http://internal:8080/hapi/fhir"
    upstream = Answering(
        two_pages(f"{own}?_getpages=1", "?_getpages=1", own=f"{own}/Group?_count=50"), base="/fhir"
    )
    async with answering(upstream) as gateway:
        assert ids(await gateway(QUERY)) == ["a", "b"]


async def test_a_self_link_that_leaves_the_base_out():
    """A relative `self` link says nothing of the base: the `next` link is below the known one."""
    upstream = Answering(
        two_pages("/fhir?_getpages=1", "?_getpages=1", own="Group?_count=50"), base="/fhir"
    )
    async with answering(upstream) as gateway:
        assert ids(await gateway(QUERY)) == ["a", "b"]


@pytest.mark.parametrize(
    "link",
    [
        "/fhir/Patient?_count=2",
        "Patient?_count=2",
        "/fhir/Patient/1/Group?page=2",
        "/fhir/%50atient?page=2",
        "/other/Group?page=2",
        "https://upstream.test/other/Group?page=2",
        "/fhir/../admin?page=2",
        "/fhir/%2e%2e/admin?page=2",
        "/fhir/%2E./admin?page=2",
        "/fhir/Group/..%2f..%2fadmin?page=2",
        "/fhir/Group/%252e%252e/%252e%252e/admin?page=2",
        "/fhir/..\\admin?page=2",
        pytest.param(f"/fhir/Group?page={'2' * 100_000}", id="a link that can't be sent"),
        "../Group?page=2",
        "/fhirbase/Group?page=2",
        "/?page=2",
        "/fhir/Group",
        "/fhir",
        "http://[bad",
        "javascript:alert(1)",
        "urn:uuid:1",
        "file:///fhir/Group?page=2",
    ],
)
async def test_a_link_that_leads_elsewhere(link):
    """A link that leaves the base URL, or names another resource type, is refused."""
    upstream = Answering(two_pages(link, "never"), base="/fhir")
    async with answering(upstream) as gateway:
        assert codes(await gateway(QUERY)) == {"UPSTREAM_INVALID_RESPONSE"}
        assert len(upstream.calls) == 1


async def test_a_cursor_holds_the_link():
    """The next page is found by cursor, whatever its link looks like."""

    def answer(target):
        if target == "/_snapshot?id":
            return page("b", onward="?id=3")
        return page("c") if target == "/_snapshot?id=3" else page("a", onward="/_snapshot?id")

    document = """query ($after: String) {
        groups(first: 1, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"""
    async with answering(Answering(answer), cache_ttl=0) as gateway:
        found, after, more = [], None, True
        while more:
            groups = (await gateway.data(document, after=after))["groups"]
            found += [node["id"] for node in groups["nodes"]]
            more, after = groups["pageInfo"]["hasNextPage"], groups["pageInfo"]["endCursor"]
        assert found == ["a", "b", "c"]
