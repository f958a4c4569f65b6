"""Whether a write has overwritten another's change, by the history of the group."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from every_upstream.documents import change
from frontdoor import opened
from gateway.keeper import BASE, Keeper, group_of, payload_of
from gateway.writing import members, patients, told
from group_gateway.app import create_app
from group_gateway.config import Settings

UPDATE = change("updateGroup", "id name")
RENAME: dict[str, Any] = {"id": "1", "name": "New"}
WRITES: dict[str, tuple[str, dict[str, Any]]] = {
    "rename": (UPDATE, RENAME),
    "add": (change("addGroupMembers", "id"), {"groupId": "1", "members": patients("new")}),
    "remove": (change("removeGroupMembers", "id"), {"groupId": "1", "members": patients("old")}),
}
SHOWS: dict[str, dict[str, Any]] = {
    "a tag": {"etag": True},
    "a strong tag": {"etag": True, "tag": '"{}"'},
    "a version": {"version_id": True},
    "a tag and a version": {"etag": True, "version_id": True},
}
OVERWRITTEN = [("WARNING", "conflict", [])]


def word(version: int) -> str:
    """Name a version so that nobody can count."""
    return f"{version * 7919 % 1000:x}e"


def keeper_of(**habits: Any) -> Keeper:
    """Return a server that ignores preconditions, and whose versions are words."""
    known = {"guards": False, "history": True, "names": word} | habits
    return Keeper(group_of(member=members("old", "other")), **known)


def overtake(keeper: Keeper) -> None:
    """Change the group as another writer does."""
    keeper.write(active=False)


def delete(keeper: Keeper) -> None:
    """Delete the group as another writer does."""
    keeper.keep("null")


@pytest.mark.parametrize("shows", SHOWS)
@pytest.mark.parametrize("echo", [None, "full"])
@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("other", "expected"), [(overtake, OVERWRITTEN), (None, [])])
async def test_versions_that_are_no_numbers(
    shows: str, echo: Any, write: str, other: Callable[[Keeper], None] | None, expected: Any
) -> None:
    """The history shows whether somebody was faster, and nobody is accused who was not."""
    document, wanted = WRITES[write]
    keeper = keeper_of(echo=echo, before_put=other, **SHOWS[shows])
    assert told(await payload_of(keeper, document, **wanted)) == expected


@pytest.mark.parametrize(
    "shows",
    [{"etag": True}, {"etag": True, "names": str}, {"version_id": True, "names": str}, {}],
)
@pytest.mark.parametrize("history", [True, False])
async def test_a_group_that_was_deleted_meanwhile(shows: dict[str, Any], history: Any) -> None:
    """A server that makes the group anew says so, or its history does."""
    keeper = keeper_of(history=history, upserts=True, before_put=delete, echo="full", **shows)
    issues = told(await payload_of(keeper, UPDATE, **RENAME))
    assert ("WARNING", "conflict", []) in issues


async def test_a_history_with_versions_that_have_no_name() -> None:
    """Versions from before the server named them are nobody's change."""
    keeper = keeper_of(version_id=True, names=lambda number: word(number) if number > 1 else "")
    overtake(keeper)
    assert told(await payload_of(keeper, UPDATE, **RENAME)) == []


class Creator(Keeper):
    """A server that answers each PUT as if it had made a group."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        response = await super().handle_async_request(request)
        response.status_code = 201 if request.method == "PUT" else response.status_code
        return response


@pytest.mark.parametrize("names", [str, word])
async def test_a_server_that_makes_groups_by_a_put(names: Callable[[int], str]) -> None:
    """The status 201 alone accuses nobody where the versions follow each other."""
    creator = Creator(group_of(), etag=True, names=names, history=True)
    assert told(await payload_of(creator, UPDATE, **RENAME)) == []


@pytest.mark.parametrize("guards", [True, False])
async def test_what_the_history_costs(guards: Any) -> None:
    """A server without a history is asked for it once, and one that refused a write never more."""
    keeper = keeper_of(history=guards, guards=guards, etag=True)
    settings = Settings(upstream_url=BASE, cache_ttl=0)
    async with opened(create_app(settings, transport=keeper)) as gateway:
        keeper.before_put = overtake if guards else None
        for number in range(3):
            await gateway(UPDATE, input={"id": "1", "name": f"New {number}"})
    asked = [request for request in keeper.sent if request.url.path.endswith("/_history")]
    assert len(asked) == (0 if guards else 1)
