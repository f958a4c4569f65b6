"""Errors of writes: what the caller can mend comes back as data, all else as an error."""

import json
from typing import Any

import pytest

from gateway.canned import SECRET, Canned, Reply, outcome
from gateway.failing import METHOD, NONSENSE, READ_FAILURES, READS, WRITES, ask, only_error

# Status and body on a write → the code of the issue, and its text.
REFUSALS = [
    (400, outcome("invalid"), "invalid", "Name is too odd"),
    (400, {"name": SECRET}, "invalid", "The upstream refused the change."),
    (400, b"<html>", "invalid", "The upstream refused the change."),
    (400, outcome() | {"issue": []}, "invalid", "The upstream refused the change."),
    (404, outcome("not-found"), "not-found", "Name is too odd"),
    (410, b"", "deleted", "The upstream refused the change."),
    (413, b"<html>", "too-long", "The upstream refused the change."),
    (422, outcome("business-rule"), "business-rule", "Name is too odd"),
    (422, b"", "processing", "The upstream refused the change."),
]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("status", "body", "code", "text"), REFUSALS)
async def test_what_the_caller_can_mend_is_data(
    write: str, status: int, body: Any, code: str, text: str
) -> None:
    """A refused write is no error: its issues say what to mend, in the upstream's words."""
    answer = await ask(WRITES[write], Canned(**{METHOD[write]: Reply(status, body)}))
    assert "errors" not in answer
    payload = answer["data"][write]
    assert payload["group"] == (None if write == "createGroup" else {"id": "1"})
    [issue] = payload["issues"]
    assert (issue["severity"], issue["code"]) == ("ERROR", code)
    assert issue["details"] == {"text": text}
    assert SECRET not in json.dumps(answer)


@pytest.mark.parametrize("write", ["createGroup", "updateGroup"])
@pytest.mark.parametrize("status", [409, 412])
async def test_a_conflict_is_data(write: str, status: int) -> None:
    """A conflict returns the current group."""
    reply = Reply(status, outcome("conflict", "Somebody was faster"))
    answer = await ask(WRITES[write], Canned(**{METHOD[write]: reply}))
    [issue] = answer["data"][write]["issues"]
    assert (issue["severity"], issue["code"]) == ("ERROR", "conflict")


async def test_all_of_an_issue_comes_through() -> None:
    """Severity, code, text, diagnostics and place of an issue reach the caller; no more of it."""
    issue = {
        "severity": "fatal",
        "code": "structure",
        "details": {"text": "A", "coding": [{"system": "s", "code": "c", "x": SECRET}]},
        "diagnostics": "B",
        "expression": ["Group.name"],
        "extension": [SECRET],
    }
    body = {"resourceType": "OperationOutcome", "id": SECRET, "issue": [issue]}
    written = await ask(WRITES["updateGroup"], Canned(PUT=Reply(400, body)))
    assert written["data"]["updateGroup"]["issues"] == [
        {
            "severity": "FATAL",
            "code": "structure",
            "details": {"text": "A"},
            "diagnostics": "B",
            "expression": ["Group.name"],
        }
    ]
    read = only_error(await ask(READS["group"], Canned(GET=Reply(400, body))))
    shown = {k: v for k, v in issue.items() if k != "extension"}
    shown["details"] = {"text": "A", "coding": [{"system": "s", "code": "c"}]}
    assert read["extensions"]["operationOutcome"]["issue"] == [shown]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    ("status", "body", "code", "told"),
    [row for row in READ_FAILURES if row[2] != "BAD_USER_INPUT" and row[0] not in {404, 410}]
    + [(404, b"<html>", "UPSTREAM_INVALID_RESPONSE", False)],
)
async def test_a_write_that_the_upstream_fails(
    write: str, status: int, body: Any, code: str, *, told: bool
) -> None:
    """What the caller can't mend is an error of the mutation, with the same codes as reads."""
    upstream = Canned(**{METHOD[write]: Reply(status, body)})
    answer = await ask(WRITES[write], upstream)
    extensions = only_error(answer)["extensions"]
    assert (extensions["code"], extensions["upstreamCorrelationId"]) == (code, "upstream-7")
    assert ("operationOutcome" in extensions) is told
    assert [call.split()[0] for call in upstream.calls].count(METHOD[write]) == 1


@pytest.mark.parametrize("nonsense", NONSENSE)
async def test_a_create_that_is_answered_with_nonsense(nonsense: str) -> None:
    """A create without an id in body or Location is an error: the group is unknown."""
    upstream = Canned(POST=Reply(201, NONSENSE[nonsense]))
    extensions = only_error(await ask(WRITES["createGroup"], upstream))["extensions"]
    assert extensions["code"] == "UPSTREAM_INVALID_RESPONSE"
    assert upstream.calls == ["POST /fhir/Group"]


JSON = [
    "nothing",
    "null",
    "a list",
    "a string",
    "another object",
    "another resource",
    "an outcome",
    "no id",
    "an id of another type",
]


@pytest.mark.parametrize("nonsense", JSON)
async def test_an_update_is_believed_only_when_read_back(nonsense: str) -> None:
    """Whatever JSON a 200 to an update holds: the group is read, and held to what was asked."""
    answer = await ask(WRITES["updateGroup"], Canned(PUT=Reply(200, NONSENSE[nonsense])))
    payload = answer["data"]["updateGroup"]
    assert payload["group"] == {"id": "1"}
    told = [(i["severity"], i["code"]) for i in payload["issues"]]
    if nonsense == "an outcome":
        assert told == [("WARNING", "incomplete"), ("ERROR", "invalid")]
    else:
        assert told == [("WARNING", "incomplete")]
        assert SECRET not in json.dumps(answer)


@pytest.mark.parametrize("nonsense", sorted(NONSENSE.keys() - JSON))
async def test_an_update_that_is_answered_with_nonsense(nonsense: str) -> None:
    """A 200 that holds no JSON may be a proxy's: what is not there when read back is an error."""
    upstream = Canned(PUT=Reply(200, NONSENSE[nonsense]))
    error = only_error(await ask(WRITES["updateGroup"], upstream))
    assert error["extensions"]["code"] == "UPSTREAM_INVALID_RESPONSE"
    assert "not known whether the change was made" in error["message"]
