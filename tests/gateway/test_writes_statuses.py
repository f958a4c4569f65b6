"""Which answers to a write say that it was not made, and which leave that open."""

import json

import httpx
import pytest

from gateway.canned import SECRET, outcome
from gateway.failing import WRITES
from gateway.keeper import Keeper, group_of, tell
from gateway.writing import members

NOT_MADE = [
    *(402, 405, 406, 407, 411, 414, 415, 416, 417, 418, 421, 423, 424, 425, 426, 428, 429, 431),
    *(451, 501, 505, 506, 507, 508, 510, 511),
]
NOT_KNOWN = [408, 499, 500, 502, 503, 504, 520, 599]
WORDS = "Not like that"


@pytest.mark.parametrize("write", ["createGroup", "updateGroup", "addGroupMembers"])
@pytest.mark.parametrize("status", NOT_MADE)
async def test_a_write_that_was_not_made(write: str, status: int):
    """The error says so; it has a 4xx's words, and none of a 5xx's."""
    words = WORDS if status < 500 else SECRET
    reply = httpx.Response(status, json=outcome("processing", words))
    keeper = Keeper(group_of(), etag=True, replies={"PUT": reply, "POST": reply})
    answer = await tell(keeper, WRITES[write])
    [error] = answer["errors"]
    assert error["message"].endswith((" was not made.", " was not created."))
    assert (WORDS in json.dumps(error["extensions"])) is (status < 500)
    assert SECRET not in json.dumps(answer)
    assert len([method for method in keeper.calls() if method != "GET"]) == 1
    assert keeper.stored() == group_of()


@pytest.mark.parametrize("status", NOT_KNOWN)
@pytest.mark.parametrize("write", ["createGroup", "updateGroup"])
async def test_a_write_of_which_nobody_knows(write: str, status: int):
    """A server that failed, or a proxy before it, leaves open what was done."""
    reply = httpx.Response(status, json=outcome("exception", SECRET))
    keeper = Keeper(group_of(), etag=True, replies={"PUT": reply, "POST": reply})
    [error] = (await tell(keeper, WRITES[write]))["errors"]
    assert "not known whether" in error["message"]


@pytest.mark.parametrize(
    ("status", "code"), [(400, "invalid"), (404, "x"), (410, "x"), (413, "x"), (422, "x")]
)
async def test_a_write_that_the_caller_can_mend(status: int, code: str):
    """It is data: the issues are the server's own."""
    reply = httpx.Response(status, json=outcome(code, WORDS))
    keeper = Keeper(group_of(), etag=True, replies={"PUT": reply})
    payload = (await tell(keeper, WRITES["updateGroup"]))["data"]["updateGroup"]
    [issue] = payload["issues"]
    assert (issue["severity"], issue["code"]) == ("ERROR", code)
    assert issue["details"] == {"text": WORDS}


REMOVAL = """mutation { removeGroupMembers(input: {groupId: "1", members: [
    {reference: "Patient/1"}]}) { issues { severity code details { text } } } }"""


@pytest.mark.parametrize("write", ["updateGroup", "addGroupMembers", "removeGroupMembers"])
async def test_a_write_that_is_accepted_for_later(write: str):
    """A 202 is reported as not made yet, and no other form is tried meanwhile."""
    group = group_of(member=members("1"))
    keeper = Keeper(group, etag=True, replies={"PUT": httpx.Response(202)})
    payload = (await tell(keeper, WRITES.get(write, REMOVAL)))["data"][write]
    [issue] = payload["issues"]
    assert (issue["severity"], issue["code"]) == ("WARNING", "incomplete")
    assert "has not made it yet" in issue["details"]["text"]
    assert keeper.calls() == ["GET", "PUT", "GET"]


async def test_a_write_that_was_accepted_and_made():
    """202 of a server that has made the change by the time of the read-back is no warning."""

    class Accepting(Keeper):
        def _answer(self, request: httpx.Request, path: str) -> httpx.Response:
            answer = super()._answer(request, path)
            return httpx.Response(202) if request.method == "PUT" else answer

    keeper = Accepting(group_of(), etag=True)
    payload = (await tell(keeper, WRITES["updateGroup"]))["data"]["updateGroup"]
    assert payload["issues"] == []


async def test_a_version_that_stays_while_the_content_changes():
    """`ifVersion` is also held to the content: a stale one is a conflict."""
    keeper = Keeper(group_of(), version_id=True, names=lambda _: "1")
    shown = '{ group(id: "1") { version } }'
    before = (await tell(keeper, shown))["data"]["group"]["version"]
    keeper.write(active=False)
    after = (await tell(keeper, shown))["data"]["group"]["version"]
    assert before != after
    document = (
        'mutation { updateGroup(input: {id: "1", name: "New", ifVersion: %s}) { issues { code } } }'
    )
    stale = (await tell(keeper, document.replace("%s", json.dumps(before))))["data"]
    assert stale["updateGroup"]["issues"] == [{"code": "conflict"}]
    for version in (after, "v-1"):
        fresh = (await tell(keeper, document.replace("%s", json.dumps(version))))["data"]
        assert fresh["updateGroup"]["issues"][:1] in ([], [{"code": "incomplete"}])
