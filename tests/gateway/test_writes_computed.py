"""What a server computes is left to it; what it stores is not taken for computed."""

from typing import Any

import httpx
import pytest

from every_upstream.documents import change
from gateway.canned import outcome
from gateway.keeper import Keeper, group_of, payload_of
from gateway.writing import members, patients, told

UPDATE = change("updateGroup", "id")
ADD = change("addGroupMembers", "id")
REMOVE = change("removeGroupMembers", "id")
RENAME = {"id": "1", "name": "New"}
SHOWN = [{"entity": {"reference": "Patient/1", "display": "Ann"}}, {"entity": {"display": "Bob"}}]
TRAIT = {
    "code": {"coding": [{"code": "c", "display": "Code"}]},
    "valueReference": {"reference": "Organization/1", "display": "Home"},
}


def kept(keeper: Keeper) -> dict[str, Any]:
    """Return what it keeps of the group."""
    return {k: v for k, v in keeper.stored().items() if k != "meta"}


@pytest.mark.parametrize("shows", [{}, {"clock": True}, {"etag": True}, {"version_id": True}])
async def test_a_server_that_is_not_canvas(shows: Any):
    """A herd's quantity, names of members and of traits are the group's own, and stay."""
    group = group_of(quantity=25, member=SHOWN, characteristic=[TRAIT])
    keeper = Keeper(group, **shows)
    await payload_of(keeper, UPDATE, **RENAME)
    assert kept(keeper) == group | {"name": "New"}


async def test_a_quantity_that_counts_the_members():
    """The gateway keeps an exact count up to date, and leaves an estimate."""
    keeper = Keeper(group_of(quantity=2, member=SHOWN), etag=True)
    await payload_of(keeper, ADD, groupId="1", members=patients(3))
    assert kept(keeper)["quantity"] == 3
    await payload_of(keeper, REMOVE, groupId="1", members=patients(1, 3))
    assert kept(keeper)["quantity"] == 1
    keeper = Keeper(group_of(quantity=25, member=SHOWN), etag=True)
    await payload_of(keeper, ADD, groupId="1", members=patients(3))
    assert kept(keeper)["quantity"] == 25


async def test_canvas_is_known_by_its_answers():
    """It computes quantity and names, and is sent neither."""
    keeper = Keeper(group_of(quantity=2, member=SHOWN), canvas=True, clock=True)
    keeper.computes = lambda group: group | {"quantity": 2}
    payload = await payload_of(keeper, UPDATE, **RENAME)
    assert kept(keeper)["member"][0] == {"entity": {"reference": "Patient/1"}}
    texts = [issue["details"]["text"] for issue in payload["issues"]]
    assert texts == [
        "`member.entity.display` was there before and is gone: the upstream did not keep it."
    ]


@pytest.mark.parametrize(
    "words",
    [
        outcome("invalid", "body -> quantity — Extra inputs are not permitted"),
        {
            "resourceType": "OperationOutcome",
            "issue": [
                {
                    "severity": "error",
                    "code": "invalid",
                    "expression": ["Group.member[0].entity.display"],
                }
            ],
        },
    ],
)
@pytest.mark.parametrize("status", [400, 422])
async def test_a_server_that_refuses_what_it_computes(words: Any, status: int):
    """The gateway tries again without, once, and remembers."""

    class Strict(Keeper):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if b'"quantity"' in request.content or b'"display"' in request.content:
                self.sent.append(request)
                return httpx.Response(status, json=words)
            return await super().handle_async_request(request)

    keeper = Strict(group_of(quantity=2, member=members(1)), etag=True)
    keeper.computes = lambda group: group | {"quantity": 2}
    payload = await payload_of(keeper, UPDATE, **RENAME)
    assert payload["issues"] == []
    assert kept(keeper)["name"] == "New"
    assert keeper.calls() == ["GET", "PUT", "GET", "PUT", "GET"]


@pytest.mark.parametrize(
    ("lost", "path"),
    [
        ("quantity", "quantity"),
        ("extension", "extension"),
        ("characteristic", "characteristic"),
        ("text", "text"),
        ("_name", "_name"),
    ],
)
async def test_what_is_gone_after_a_write_is_told(lost: str, path: str):
    """An element that the update did not name and the server did not keep is a warning."""
    other = {lost: [{"a": 1}] if lost == "extension" else {"a": 1}}
    keeper = Keeper(group_of(**other), etag=True)
    keeper.computes = lambda group: {k: v for k, v in group.items() if k != lost}
    payload = await payload_of(keeper, UPDATE, **RENAME)
    assert told(payload) == [("WARNING", "incomplete", [])]
    assert f"`{path}`" in payload["issues"][0]["details"]["text"]


async def test_what_is_gone_inside_elements_is_told():
    """Also what a server dropped from members, in whichever order it lists them, and from lists."""
    hidden = [{"url": "https://example.org/x", "valueString": "y"}]
    entries = [*members(1), *members(2)]
    entries[1] = entries[1] | {"extension": hidden}
    identifiers = [{"value": "1"}, {"value": "2"}]
    keeper = Keeper(group_of(member=entries, identifier=identifiers), etag=True)
    keeper.computes = lambda group: (
        group
        | {
            "member": [{"entity": m["entity"]} for m in reversed(group["member"])],
            "identifier": group["identifier"][:1],
            "meta": {"lastUpdated": "2026-01-01T00:00:00Z"},
        }
    )
    payload = await payload_of(keeper, ADD, groupId="1", members=patients(3))
    texts = " ".join(issue["details"]["text"] for issue in payload["issues"])
    assert "`member.extension`" in texts
    assert "`identifier`" in texts
    assert len(payload["issues"]) == 2
