"""The versions of a server's groups: how it shows them, and what a gateway must make of them."""

from random import Random
from typing import TYPE_CHECKING, Any

import httpx

from anyserver.checks import error_codes
from anyserver.digits import encode
from anyserver.groups import Elements

if TYPE_CHECKING:
    from anyserver.operations import World

_MOST = 3
_PAST = """query ($id: ID!, $first: Int, $after: String) { group(id: $id) {
  id history(first: $first, after: $after) {
    nodes { group { id name } } pageInfo { hasNextPage endCursor } } } }"""


def first_versions(group: Elements) -> list[Elements]:
    """Return the first versions of some groups: one of another name, and its deletion."""
    rng = Random(group["id"])  # noqa: S311 - test data
    if rng.random() < 0.5:
        return []
    former = {"resourceType": "Group", "id": group["id"], "name": f"Former {group['id']}"}
    deletion = {"request": {"method": "DELETE", "url": f"Group/{group['id']}"}}
    return [{"resource": former}, {**deletion, "response": {"etag": 'W/"deleted"'}}]


def history_page(way: str, url: httpx.URL, versions: list[Elements]) -> httpx.Response:
    """Return a page of a history in a server's way."""
    asked = dict(url.params)
    if way == "none" or (way == "refuses-count" and "_count" in asked):
        status = 404 if way == "none" else 400
        return httpx.Response(status, json={"resourceType": "OperationOutcome", "issue": [{}]})
    start, most = int(asked.get("page", 0)), len(versions)
    if way == "linked":
        most = min(int(asked.get("_count", _MOST)), _MOST)
    link = []
    if start + most < len(versions):
        link.append({"relation": "next", "url": f"?_count={most}&page={start + most}"})
    bundle = {"resourceType": "Bundle", "type": "history", "total": len(versions), "link": link}
    bundle["entry"] = versions[start : start + most]
    return httpx.Response(200, content=encode(bundle))


async def wrong_history(world: "World", token: str, id: str) -> str | None:
    """Page through a group's history: each version is there once, and only for who may see it."""
    size = Random(f"{token}{id}").choice((1, 2, 3, 20))  # noqa: S311 - test data
    found: list[Any] = []
    after, more = None, True
    while more:
        answer = await world.ask(_PAST, token=token, id=id, first=size, after=after)
        group = answer["data"]["group"]
        if group is None or error_codes(answer):
            is_visible = id in {group["id"] for group in world.visible(token)}
            is_sound = is_visible and not world.broken and world.server.profile.reads == "whole"
            return f"no history: {answer}" if is_sound else None
        if group["history"] is None:
            has_none = world.server.profile.history == "none"
            return None if has_none else "no history of a server that keeps one"
        found += [version["group"] for version in group["history"]["nodes"]]
        info = group["history"]["pageInfo"]
        more, after = info["hasNextPage"], info["endCursor"]
    entries = [entry.get("resource") for entry in world.server.versions(id)]
    expected = [entry and {"id": id, "name": entry.get("name")} for entry in entries]
    return None if found == expected else f"versions {found} shown for {expected}"
