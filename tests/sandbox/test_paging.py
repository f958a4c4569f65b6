"""The pages of a search: sizes, totals, links in every form."""

from urllib.parse import urlsplit

import pytest

from group_gateway.sandbox import Quirks


async def page(client, url):
    """Get a page; return its Bundle, and its links by relation."""
    answer = await client.get(url)
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    return bundle, {link["relation"]: link["url"] for link in bundle.get("link", [])}


async def all_ids(client, url):
    """Follow the next links to the end; return all ids."""
    ids = []
    while url:
        bundle, links = await page(client, url)
        ids += [entry["resource"]["id"] for entry in bundle["entry"]]
        url = links.get("next")
    return ids


async def test_the_links_of_the_only_page(start):
    """One page has self, first and last, as in the document."""
    client = start(person_groups=0, teams=0, medium_members=0, large_members=0)
    bundle, links = await page(client, "/Group?type=device")
    url = "/Group?type=device&_count=10&_offset=0"
    assert links == {"self": url, "first": url, "last": url}
    assert list(bundle) == ["resourceType", "type", "total", "link", "entry"]


@pytest.mark.parametrize(
    ("offset", "next_", "previous"), [(0, 3, None), (3, 6, 0), (2, 5, 0), (6, None, 3)]
)
async def test_the_links_between_pages(start, offset, next_, previous):
    """Seven groups in pages of three: every link has its offset, and no more links than pages."""
    client = start(seed=False)
    for _ in range(7):
        await client.created()
    _, links = await page(client, f"/Group?_count=3&_offset={offset}")
    offsets = {relation: int(url.rpartition("=")[2]) for relation, url in links.items()}
    expected = {"self": offset, "first": 0, "next": next_, "previous": previous, "last": 6}
    assert offsets == {name: value for name, value in expected.items() if value is not None}


async def test_a_page_past_the_end_has_no_entry(client):
    """The total stays, and there is no next page."""
    bundle, links = await page(client, "/Group?type=device&_offset=5")
    assert bundle["total"] == 1
    assert "entry" not in bundle
    assert "next" not in links


async def test_a_page_is_capped(client):
    """A page has 100 groups at most, and the link says so."""
    bundle, links = await page(client, "/Group?_count=1000")
    assert len(bundle["entry"]) == 100
    assert links["self"] == "/Group?_count=100&_offset=0"


async def test_the_cap_may_be_lower(start):
    """The most is documented to change without warning."""
    _, links = await page(start(Quirks(max_count=7)), "/Group")
    assert links["next"] == "/Group?_count=7&_offset=7"


@pytest.mark.parametrize(
    "quirks", [Quirks(), Quirks(opaque_links=True), Quirks(opaque_links=True, absolute_links=True)]
)
async def test_the_pages_are_complete(start, quirks):
    """The next links lead through all groups, once each."""
    client = start(quirks)
    ids = await all_ids(client, "/Group?type=person&_count=40")
    total = (await client.get("/Group?type=person")).json()["total"]
    assert len(ids) == len(set(ids)) == total > 240


async def test_the_order_outlives_an_update(client):
    """Groups are in the order of their creation."""
    before = await all_ids(client, "/Group?_count=100")
    await client.put_group(await client.group(before[3]) | {"name": "Renamed"})
    assert await all_ids(client, "/Group?_count=100") == before


async def test_links_may_be_absolute(start):
    """Scheme and host are those of the request."""
    _, links = await page(start(Quirks(absolute_links=True)), "/Group")
    assert links["self"] == "https://fumage.test/Group?_count=10&_offset=0"


async def test_links_may_be_opaque(start):
    """Page links say nothing of the search; a page got by one has an opaque self link."""
    client = start(Quirks(opaque_links=True))
    _, links = await page(client, "/Group?type=person")
    assert links["self"] == "/Group?type=person&_count=10&_offset=0"
    query = urlsplit(links["next"]).query
    assert query.startswith("_getpages=")
    assert query.endswith("&_getpagesoffset=10")
    _, links = await page(client, links["next"])
    assert links["self"] == f"/Group?{query}"


@pytest.mark.parametrize("token", ["unknown", "_w==", "%C3%A4"])
async def test_an_unknown_opaque_link_is_gone(start, token):
    """A page token of another server leads nowhere."""
    client = start(Quirks(opaque_links=True))
    status, _ = await client.refused("GET", f"/Group?_getpages={token}")
    assert status == 410


async def test_links_and_total_may_be_absent(start):
    """Some servers state neither."""
    bundle, _ = await page(start(Quirks(no_links=True, no_total=True)), "/Group")
    assert list(bundle) == ["resourceType", "type", "entry"]
