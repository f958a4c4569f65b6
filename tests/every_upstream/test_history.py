"""A group's history is what the upstream keeps of it, or null."""

from typing import Any

from every_upstream.harness import Fhir
from frontdoor import Gateway
from upstreams.processes import Upstream
from upstreams.seeding import group

HISTORY = """query ($id: ID!, $first: Int, $after: String) { group(id: $id) {
    history(first: $first, after: $after) {
        nodes { version when group { name } } pageInfo { hasNextPage endCursor } } } }"""
KEEPS = {"hapi_jpa"}


async def test_the_versions_of_a_group(gateway: Gateway, fhir: Fhir, upstream: Upstream) -> None:
    """Every version comes once, the newest first; a server without versions has no history."""
    id = await fhir.create(group("First", "Patient", []))
    for name in ("Second", "Third"):
        await fhir.change(id, name=name)
    history = (await gateway.data(HISTORY, id=id))["group"]["history"]
    if upstream.name not in KEEPS:
        assert history is None or names(history) == ["Third", "Second", "First"]
        return
    assert names(history) == ["Third", "Second", "First"]
    assert [node["version"] for node in history["nodes"]] == ["3", "2", "1"]
    assert all(node["when"] for node in history["nodes"])
    found: list[str] = []
    after, more = None, True
    while more:
        history = (await gateway.data(HISTORY, id=id, first=1, after=after))["group"]["history"]
        found += names(history)
        more, after = history["pageInfo"]["hasNextPage"], history["pageInfo"]["endCursor"]
    assert found == ["Third", "Second", "First"]


def names(history: Any) -> list[str]:
    """Return the names of the versions."""
    return [node["group"]["name"] for node in history["nodes"]]
