"""GETs: a browser may keep an answer for its user, and asks each time whether it still holds."""

from gateway.writing import UPDATE
from group_gateway.sandbox.wellknown import TEST_GROUP_ID

AUTHORIZED = {"authorization": "Bearer sandbox"}
READ = f'{{ group(id: "{TEST_GROUP_ID}") {{ name }} }}'


async def get(gateway, query=READ, **headers):
    """Send a query in a URL."""
    sent = AUTHORIZED | {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.http.get("/graphql", params={"query": query}, headers=sent)


async def test_an_answer_that_still_holds(gateway):
    """A matching `If-None-Match` gets a 304, in every form of the header."""
    first = await get(gateway)
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "Accept, Accept-Encoding, Authorization, Origin"
    etag = first.headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await get(gateway, if_none_match=known)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
        assert again.headers["vary"] == "Accept, Accept-Encoding, Authorization, Origin"


async def test_an_answer_that_holds_no_more(gateway):
    """After a write the new answer comes, with another tag."""
    etag = (await get(gateway)).headers["etag"]
    await gateway.data(UPDATE, input={"id": TEST_GROUP_ID, "name": "Renamed"})
    again = await get(gateway, if_none_match=etag)
    assert again.json() == {"data": {"group": {"name": "Renamed"}}}
    assert again.headers["etag"] != etag


async def test_another_media_type_has_another_tag(gateway):
    """The tag is strong: what it names is the same byte by byte, type included."""
    etags = [
        (await get(gateway, accept=accept)).headers["etag"]
        for accept in ("application/json", "application/graphql-response+json")
    ]
    assert etags[0] != etags[1]


async def test_failures_are_not_kept(gateway):
    """A response with errors has no entity tag, and must not be stored."""
    for query in ("{ nothing }", '{ group(id: "../x") { name } }'):
        answer = await get(gateway, query)
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers
