"""What the tests here ask of an upstream and read from its answers."""

from typing import Any

import httpx

from upstreams.processes import Upstream

LONG_AGO = {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}


def client_for(upstream: Upstream, token: str) -> httpx.Client:
    """Build a client with the rights of a token, which gets no search's earlier result."""
    headers = {"Authorization": f"Bearer {token}", "Cache-Control": "no-cache"}
    return httpx.Client(base_url=upstream.url, headers=headers, timeout=60)


def issue(response: httpx.Response) -> tuple[int, str]:
    """Return status and issue code of an error answer."""
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0].get("details", {}).get("text") or outcome["issue"][0]["diagnostics"]
    return response.status_code, outcome["issue"][0]["code"]


def links(bundle: dict[str, Any]) -> dict[str, str]:
    """Return a Bundle's links by relation."""
    return {link["relation"]: link["url"] for link in bundle.get("link", ())}


def ids(bundle: dict[str, Any]) -> list[str]:
    """Return the ids of the groups in a Bundle."""
    return [entry["resource"]["id"] for entry in bundle.get("entry", ())]


def all_ids(client: httpx.Client, query: str) -> list[str]:
    """Follow the `next` links of a search, absolute or relative, and return every id."""
    found: list[str] = []
    url = f"/Group?{query}"
    while True:
        bundle = client.get(url).raise_for_status().json()
        found += ids(bundle)
        if "next" not in links(bundle):
            return found
        url = links(bundle)["next"]
