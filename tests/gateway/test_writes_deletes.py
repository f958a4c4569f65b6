"""Deleting groups, where the upstream can."""

import json
from typing import Any

import httpx
import pytest

from gateway.canned import SECRET, outcome
from gateway.keeper import Keeper, group_of, payload_of, tell
from gateway.writing import texts, told
from group_gateway.sandbox.wellknown import TEST_GROUP_ID

DELETE = (
    "mutation ($input: DeleteGroupInput!) { deleteGroup(input: $input) "
    "{ id group { name } issues { severity code details { text } diagnostics inputPath } } }"
)
VERSION = "query ($id: ID!) { group(id: $id) { version } }"


async def test_a_group_is_deleted(gateway, sandbox):
    """It is gone, from the upstream and from what was cached."""
    sandbox.use(deletes=True, etag=True)
    version = (await gateway.data(VERSION, id=TEST_GROUP_ID))["group"]["version"]
    wanted = {"id": TEST_GROUP_ID, "ifVersion": version}
    payload = (await gateway.data(DELETE, input=wanted))["deleteGroup"]
    assert payload == {"id": TEST_GROUP_ID, "group": None, "issues": []}
    assert await gateway.data(VERSION, id=TEST_GROUP_ID) == {"group": None}
    again = (await gateway.data(DELETE, input={"id": TEST_GROUP_ID}))["deleteGroup"]
    assert again["id"] is None
    assert told(again) == [("ERROR", "not-found", ["id"])]


async def test_an_upstream_that_deletes_nothing(gateway):
    """That is an issue, with the group that stays and the upstream's words."""
    payload = (await gateway.data(DELETE, input={"id": TEST_GROUP_ID}))["deleteGroup"]
    assert payload["id"] is None
    assert payload["group"]["name"]
    assert told(payload) == [("ERROR", "not-supported", [])]
    assert payload["issues"][0]["diagnostics"] == "Method DELETE is not supported"


async def test_a_server_that_has_not_made_deletes_yet():
    """A 501 is the same, without its words."""
    reply = httpx.Response(501, json=outcome("not-supported", SECRET))
    answer = await tell(Keeper(group_of(), etag=True, replies={"DELETE": reply}), DELETE, id="1")
    assert told(answer["data"]["deleteGroup"]) == [("ERROR", "not-supported", [])]
    assert SECRET not in json.dumps(answer)


@pytest.mark.parametrize("shows", [{"etag": True}, {"version_id": True}])
async def test_a_group_that_somebody_has_changed(shows: Any):
    """With an old version a deletion is a conflict; without one it deletes the current group."""
    keeper = Keeper(group_of(), deletes=True, **shows)
    payload = await payload_of(keeper, DELETE, id="1", ifVersion="v-other")
    assert told(payload) == [("ERROR", "conflict", ["ifVersion"])]
    assert payload["group"] == {"name": "Known"}
    assert keeper.calls() == ["GET"]
    payload = await payload_of(keeper, DELETE, id="1")
    assert (payload["id"], payload["issues"]) == ("1", [])
    delete = next(request for request in keeper.sent if request.method == "DELETE")
    assert delete.headers["if-match"] == 'W/"1"'


async def test_a_group_that_is_needed_elsewhere():
    """Any other refusal by the server is an issue."""
    reply = httpx.Response(409, json=outcome("business-rule", "Referred to by List/1"))
    keeper = Keeper(group_of(), etag=True, replies={"DELETE": reply})
    payload = await payload_of(keeper, DELETE, id="1")
    assert told(payload) == [("ERROR", "business-rule", [])]
    assert payload["id"] is None
    assert keeper.calls() == ["GET", "DELETE"]


async def test_a_conflict_over_a_group_that_did_not_change():
    """A 409 that is not about a change, such as HAPI's of a reference, is final."""
    reply = httpx.Response(409, json=outcome("processing", "Referred to by List/1"))
    keeper = Keeper(group_of(), etag=True, replies={"DELETE": reply})
    payload = await payload_of(keeper, DELETE, id="1")
    assert told(payload) == [("ERROR", "processing", [])]
    assert keeper.calls().count("DELETE") == 2


@pytest.mark.parametrize("status", [200, 202])
async def test_a_group_that_is_still_there(status: int):
    """A deletion that succeeded without effect is reported; 202 says that it will be made."""
    keeper = Keeper(group_of(), etag=True, replies={"DELETE": httpx.Response(status)})
    payload = await payload_of(keeper, DELETE, id="1")
    assert payload["id"] is None
    assert told(payload) == [("WARNING", "incomplete", ["id"])]
    assert ("has accepted" in texts(payload)[0]) is (status == 202)
    assert payload["group"] == {"name": "Known"}


@pytest.mark.parametrize("is_made", [True, False])
async def test_a_deletion_whose_answer_was_lost(*, is_made: bool):
    """The group is read again: if it is gone, it was deleted; otherwise that is unknown."""

    class Lossy(Keeper):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method != "DELETE":
                return await super().handle_async_request(request)
            if is_made:
                self.keep("null")
            return httpx.Response(502)

    answer = await tell(Lossy(group_of(), etag=True), DELETE, id="1")
    if is_made:
        payload = answer["data"]["deleteGroup"]
        assert payload["id"] == "1"
        assert told(payload) == [("WARNING", "transient", [])]
    else:
        assert answer["data"] == {"deleteGroup": None}
        assert "not known whether the change was made" in answer["errors"][0]["message"]


async def test_an_id_that_is_none():
    """It is refused before anything is asked."""
    keeper = Keeper(group_of())
    payload = await payload_of(keeper, DELETE, id="../1")
    assert told(payload) == [("ERROR", "value", ["id"])]
    assert keeper.calls() == []


async def test_a_failing_mutation_hides_none_before_it():
    """The first was made, and its payload stands beside the error of the second."""
    keeper = Keeper(group_of(), etag=True, deletes=True)
    keeper.replies["DELETE"] = httpx.Response(503)
    document = (
        "mutation ($input: DeleteGroupInput!) { "
        'updateGroup(input: {id: "1", name: "New"}) { group { name } } '
        "deleteGroup(input: $input) { id } }"
    )
    answer = await tell(keeper, document, id="1")
    assert answer["data"] == {"updateGroup": {"group": {"name": "New"}}, "deleteGroup": None}
    assert [error["path"] for error in answer["errors"]] == [["deleteGroup"]]
