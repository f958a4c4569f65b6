"""Failures as data: what is asked, what an upstream may answer, and what every error must have."""

import json
from typing import Any

from frontdoor import opened
from gateway.canned import GROUP, SECRET, Canned, outcome
from group_gateway.app import create_app
from group_gateway.config import Settings

ISSUES = "issues { severity code details { text } diagnostics expression }"
READS = {
    "group": '{ __typename group(id: "1") { name } }',
    "groups": "{ __typename groups { nodes { name } } }",
    "totalCount": "{ __typename groups { totalCount } }",
    "_entities": """{ __typename
        _entities(representations: [{__typename: "Group", id: "1"}]) { ... on Group { name } } }""",
}
BY_ID = '{ __typename groups(filter: {id: ["1", "2"]}) { nodes { name } } }'
WRITES = {
    "createGroup": f"""mutation {{ createGroup(input: {{type: PERSON, name: "x"}}) {{
        group {{ id }} {ISSUES} }} }}""",
    "updateGroup": f"""mutation {{ updateGroup(input: {{id: "1", name: "x"}}) {{
        group {{ id }} {ISSUES} }} }}""",
    "addGroupMembers": f"""mutation {{ addGroupMembers(input: {{
        groupId: "1", members: [{{reference: "Patient/9"}}]}}) {{ group {{ id }} {ISSUES} }} }}""",
}
METHOD = {"createGroup": "POST", "updateGroup": "PUT", "addGroupMembers": "PUT"}

NONSENSE = {
    "HTML": b"<!doctype html><title>" + SECRET.encode() + b"</title>",
    "nothing": b"",
    "null": b"null",
    "a list": json.dumps([SECRET]).encode(),
    "a string": json.dumps(SECRET).encode(),
    "another object": json.dumps({"detail": SECRET}).encode(),
    "another resource": json.dumps({"resourceType": "Patient", "id": "1", "n": SECRET}).encode(),
    "an outcome": json.dumps(outcome()).encode(),
    "no id": json.dumps({"resourceType": "Group", "name": SECRET}).encode(),
    "an id of another type": b'{"resourceType":"Group","id":1}',
    "cut off": json.dumps(GROUP).encode()[:-1],
    "more than JSON": json.dumps(GROUP).encode() + b"}",
    "not UTF-8": b'{"resourceType":"Group","id":"1","name":"\xff\xfe"}',
    "UTF-16": json.dumps(GROUP).encode("utf-16"),
    "half a surrogate": b'{"resourceType":"Group","id":"1","name":"\\ud800"}',
    "NaN": b'{"resourceType":"Group","id":"1","quantity":NaN}',
    "nesting without end": b"[" * 100_000,
    "a group nested without end": b'{"resourceType":"Group","id":"1","x":%s1%s}'
    % (b"[" * 100_000, b"]" * 100_000),
}

# Status and body on a read → the code, and whether the outcome comes with it.
READ_FAILURES = [
    (400, outcome(), "BAD_USER_INPUT", True),
    (400, b"<html>", "BAD_USER_INPUT", False),
    (401, outcome("unknown"), "UNAUTHENTICATED", True),
    (401, b"", "UNAUTHENTICATED", False),
    (403, outcome("forbidden"), "FORBIDDEN", True),
    (403, b"<html>", "FORBIDDEN", False),
    (404, b"<html>", "UPSTREAM_INVALID_RESPONSE", False),
    (404, {"detail": "Not Found"}, "UPSTREAM_INVALID_RESPONSE", False),
    (404, b"", "UPSTREAM_INVALID_RESPONSE", False),
    (405, outcome("not-supported"), "UPSTREAM_INVALID_RESPONSE", True),
    (405, {"detail": "Method Not Allowed"}, "UPSTREAM_INVALID_RESPONSE", False),
    (406, b"", "UPSTREAM_INVALID_RESPONSE", False),
    (408, outcome(), "UPSTREAM_TIMEOUT", True),
    (409, outcome("conflict"), "BAD_USER_INPUT", True),
    (412, outcome("conflict"), "BAD_USER_INPUT", True),
    (413, b"", "BAD_USER_INPUT", False),
    (418, outcome(), "UPSTREAM_INVALID_RESPONSE", True),
    (422, outcome("business-rule"), "BAD_USER_INPUT", True),
    (429, outcome("throttled"), "RATE_LIMITED", True),
    (429, b"", "RATE_LIMITED", False),
    (500, outcome("exception", SECRET), "UPSTREAM_UNAVAILABLE", False),
    (500, SECRET.encode(), "UPSTREAM_UNAVAILABLE", False),
    (501, outcome("not-supported", SECRET), "UPSTREAM_UNAVAILABLE", False),
    (502, b"<html>", "UPSTREAM_UNAVAILABLE", False),
    (503, outcome("transient", SECRET), "UPSTREAM_UNAVAILABLE", False),
    (504, outcome("timeout", SECRET), "UPSTREAM_TIMEOUT", False),
    (599, b"", "UPSTREAM_UNAVAILABLE", False),
    (300, b"", "UPSTREAM_INVALID_RESPONSE", False),
    (304, b"", "UPSTREAM_INVALID_RESPONSE", False),
]


async def ask(query: str, upstream: Canned, times: int = 1) -> Any:
    """Send a query `times` times to a gateway on this upstream; return the last response."""
    known = Settings(upstream_url="http://upstream.test/fhir", cache_ttl=0)
    async with opened(create_app(known, transport=upstream)) as gateway:
        return [await gateway(query) for _ in range(times)][-1]


def only_error(answer: Any) -> Any:
    """Return the one error of an answer, having checked what all errors have."""
    [error] = answer["errors"]
    assert error["message"]
    assert error["locations"]
    assert error["path"]
    assert error["extensions"]["correlationId"]
    assert SECRET not in json.dumps(answer)
    return error


def check_place(answer: Any, error: Any) -> None:
    """Check that an error took nothing with it but what can't be null (GraphQL, 6.4.4)."""
    if answer["data"] is not None:
        assert answer["data"]["__typename"] == "Query"
    else:
        assert error["path"][0] == "groups"  # its type can't be null, nor can the root
