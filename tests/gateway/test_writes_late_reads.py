"""After a write, a replica or a cache may show the group as it was before for a while."""

from typing import Any

import httpx
import pytest

from every_upstream.documents import change
from gateway.keeper import Keeper, group_of, payload_of
from gateway.writing import members, patients, references

GROUP = "id name version member { entity { reference } inactive }"
UPDATE = change("updateGroup", GROUP)
REMOVE = change("removeGroupMembers", GROUP)
DELETE = (
    "mutation ($input: DeleteGroupInput!) { deleteGroup(input: $input) { id issues { code } } }"
)
RENAME = {"id": "1", "name": "New"}


class Replicated(Keeper):
    """A server whose first `late` reads after a write show the group as it was before."""

    late = 1

    def _answer(self, request: httpx.Request, path: str) -> httpx.Response:
        if request.method != "GET" or self.version == 1 or self.late == 0:
            return super()._answer(request, path)
        self.late -= 1
        text, version = self.text, self.version
        self.version -= 1
        self.text = self.versions[self.version]
        try:
            return super()._answer(request, path)
        finally:
            self.text, self.version = text, version


def replicated(late: int, **habits: Any) -> Replicated:
    """Return a server that shows versions and answers writes without a body."""
    keeper = Replicated(group_of(member=members(1, 2)), etag=True, version_id=True, **habits)
    keeper.late = late
    return keeper


@pytest.mark.parametrize("late", [1, 3])
async def test_a_change_that_shows_late(late: int):
    """The version in the response to the write says what is to come: the gateway looks again."""
    keeper = replicated(late)
    payload = await payload_of(keeper, UPDATE, **RENAME)
    assert (payload["group"]["name"], payload["issues"]) == ("New", [])


async def test_a_change_that_does_not_show():
    """The write has a version, so it was made: what was sent is shown, and that is said."""
    payload = await payload_of(replicated(9), UPDATE, **RENAME)
    assert payload["group"]["name"] == "New"
    [issue] = payload["issues"]
    assert (issue["severity"], issue["code"]) == ("WARNING", "transient")


async def test_a_removal_that_shows_late_is_not_made_in_another_way():
    """The former member does not come back as an inactive one."""
    keeper = replicated(2)
    wanted = {"groupId": "1", "members": patients(1)}
    payload = await payload_of(keeper, REMOVE, **wanted)
    assert references(payload["group"]) == ["Patient/2"]
    assert payload["issues"] == []
    assert keeper.calls().count("PUT") == 1


async def test_a_deletion_that_shows_late():
    """A group that a late read still shows is gone."""
    payload = await payload_of(replicated(1, deletes=True), DELETE, id="1")
    assert (payload["id"], payload["issues"]) == ("1", [])
