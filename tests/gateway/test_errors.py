"""Errors: each thing that can go wrong upstream has its code, and says only what it may."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from frontdoor import Gateway, opened
from gateway.canned import GROUP, SECRET, Canned, Reply, outcome
from group_gateway.app import create_app
from group_gateway.sandbox.quirks import FaultRule
from group_gateway.sandbox.wellknown import JESS_ID, TEST_GROUP_ID
from group_gateway.settings import Settings
from upstream.peer import Connection, Handler, peer

Ask = Callable[..., Any]

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
    "an outcome": json.dumps(outcome(text=SECRET)).encode(),
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


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Give a function that asks a gateway whose upstream answers as told."""
    async with AsyncExitStack() as stack:

        async def ask(query: str, upstream: Canned, times: int = 1) -> Any:
            known = Settings(upstream_url="http://upstream.test/fhir", cache_ttl=0)
            app = create_app(known, transport=upstream)
            gateway = await stack.enter_async_context(opened(app))
            return [await gateway(query) for _ in range(times)][-1]

        yield ask


def only_error(answer: Any) -> Any:
    """Give the one error of an answer, having checked what all errors have."""
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


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(("status", "body", "code", "told"), READ_FAILURES)
async def test_a_read_that_the_upstream_fails(  # noqa: PLR0913 - the table's columns
    ask: Ask, read: str, status: int, body: Any, code: str, *, told: bool
) -> None:
    """A failed read is one error with its code, the upstream's id, and an outcome only of a 4xx."""
    answer = await ask(READS[read], Canned(GET=Reply(status, body)), times=3)
    error = only_error(answer)
    check_place(answer, error)
    extensions = error["extensions"]
    assert extensions["code"] == code
    assert extensions["correlationId"] == "upstream-7"
    assert ("operationOutcome" in extensions) is told
    if told:
        assert extensions["operationOutcome"] == body


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("nonsense", NONSENSE)
async def test_a_read_that_is_answered_with_nonsense(ask: Ask, read: str, nonsense: str) -> None:
    """A 200 that is not what was asked for is UPSTREAM_INVALID_RESPONSE; none of it is shown."""
    answer = await ask(READS[read], Canned(GET=Reply(200, NONSENSE[nonsense])), times=3)
    error = only_error(answer)
    check_place(answer, error)
    assert error["extensions"]["code"] == "UPSTREAM_INVALID_RESPONSE"
    assert error["extensions"]["correlationId"] == "upstream-7"


@pytest.mark.parametrize("query", [READS["group"], READS["_entities"]])
@pytest.mark.parametrize("reply", [Reply(404, outcome("not-found")), Reply(410, b"")])
async def test_absence_is_no_error(ask: Ask, query: str, reply: Reply) -> None:
    """A 404 in FHIR's words, and a 410 in any, mean that there is no such group."""
    answer = await ask(query, Canned(GET=reply), times=3)
    assert "errors" not in answer
    assert answer["data"]["__typename"] == "Query"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "UNAUTHENTICATED"),
        (429, "RATE_LIMITED"),
        (500, "UPSTREAM_UNAVAILABLE"),
        (504, "UPSTREAM_TIMEOUT"),
        (200, "UPSTREAM_INVALID_RESPONSE"),
    ],
)
async def test_groups_by_id_that_the_upstream_fails(ask: Ask, status: int, code: str) -> None:
    """A list of ids fails as other reads do, and is not asked for one by one in vain."""
    upstream = Canned(GET=Reply(status, b"<html>"))
    assert only_error(await ask(BY_ID, upstream))["extensions"]["code"] == code
    assert len(upstream.calls) == 1


async def test_a_search_that_knows_no_groups_is_no_empty_list(ask: Ask) -> None:
    """A 404 to a search, also in FHIR's words, does not mean that nothing was found."""
    answer = await ask(READS["groups"], Canned(GET=Reply(404, outcome("not-found"))))
    error = only_error(answer)
    assert error["extensions"]["code"] == "UPSTREAM_INVALID_RESPONSE"
    assert error["extensions"]["operationOutcome"] == outcome("not-found")


async def test_another_group_than_asked_for(ask: Ask) -> None:
    """A group under another id is not passed off as the one asked for."""
    answer = await ask(READS["group"], Canned(GET=Reply(200, GROUP | {"id": "2"})), times=3)
    assert only_error(answer)["extensions"]["code"] == "UPSTREAM_INVALID_RESPONSE"


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
async def test_what_the_caller_can_mend_is_data(  # noqa: PLR0913, PLR0917 - the table's columns
    ask: Ask, write: str, status: int, body: Any, code: str, text: str
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
async def test_a_conflict_is_data(ask: Ask, write: str, status: int) -> None:
    """Who was overtaken hears so, with the group as it is now."""
    reply = Reply(status, outcome("conflict", "Somebody was faster"))
    answer = await ask(WRITES[write], Canned(**{METHOD[write]: reply}))
    [issue] = answer["data"][write]["issues"]
    assert (issue["severity"], issue["code"]) == ("ERROR", "conflict")


async def test_all_of_an_issue_comes_through(ask: Ask) -> None:
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
async def test_a_write_that_the_upstream_fails(  # noqa: PLR0913 - the table's columns
    ask: Ask, write: str, status: int, body: Any, code: str, *, told: bool
) -> None:
    """What the caller can't mend is an error of the mutation, with the same codes as reads."""
    upstream = Canned(**{METHOD[write]: Reply(status, body)})
    answer = await ask(WRITES[write], upstream)
    extensions = only_error(answer)["extensions"]
    assert (extensions["code"], extensions["correlationId"]) == (code, "upstream-7")
    assert ("operationOutcome" in extensions) is told
    assert [call.split()[0] for call in upstream.calls].count(METHOD[write]) == 1


@pytest.mark.parametrize("nonsense", NONSENSE)
async def test_a_create_that_is_answered_with_nonsense(ask: Ask, nonsense: str) -> None:
    """Without an id in body or Location nobody knows which group was created: an error."""
    upstream = Canned(POST=Reply(201, NONSENSE[nonsense]))
    extensions = only_error(await ask(WRITES["createGroup"], upstream))["extensions"]
    assert extensions["code"] == "UPSTREAM_INVALID_RESPONSE"
    assert upstream.calls == ["POST /fhir/Group"]


@pytest.mark.parametrize("nonsense", NONSENSE)
async def test_an_update_is_believed_only_when_read_back(ask: Ask, nonsense: str) -> None:
    """Whatever a 200 to an update holds: the group is read back, and held to what was asked."""
    answer = await ask(WRITES["updateGroup"], Canned(PUT=Reply(200, NONSENSE[nonsense])))
    payload = answer["data"]["updateGroup"]
    assert payload["group"] == {"id": "1"}
    assert [(i["severity"], i["code"]) for i in payload["issues"]] == [("WARNING", "incomplete")]
    assert SECRET not in json.dumps(answer)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "9" * 400}, 86_400),
        (
            {
                "date": "Sun, 22 Nov 2026 10:00:00 GMT",
                "retry-after": "Sun, 22 Nov 2026 10:00:30 GMT",
            },
            30,
        ),
        (
            {
                "date": "Sun, 22 Nov 2026 10:00:00 GMT",
                "retry-after": "Sun, 22 Nov 2026 09:00:00 GMT",
            },
            0,
        ),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-7"}, None),
        ({"retry-after": "Mon, 01 Jan 99999 00:00:00 GMT"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_when_to_try_again(
    ask: Ask, status: int, headers: dict[str, str], seconds: int | None
) -> None:
    """`Retry-After`, in either form, comes through as seconds by the upstream's own clock."""
    answer = await ask(READS["group"], Canned(GET=Reply(status, b"", headers)))
    assert only_error(answer)["extensions"].get("retryAfter") == seconds


async def test_redirects_are_never_followed(ask: Ask) -> None:
    """A redirect leads nowhere, so the credential goes nowhere else either."""
    reply = Reply(302, b"", {"location": "http://elsewhere.test/Group/1"})
    for name in ("group", "createGroup", "updateGroup"):
        method = METHOD.get(name, "GET")
        upstream = Canned(**{method: reply})
        error = only_error(await ask((READS | WRITES)[name], upstream))
        assert error["extensions"]["code"] == "UPSTREAM_INVALID_RESPONSE"
        assert {call.split()[1] for call in upstream.calls} <= {"/fhir/Group/1", "/fhir/Group"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"fumage-correlation-id": "one", "x-request-id": "two"}, "one"),
        ({"fumage-correlation-id": "", "x-correlation-id": "three"}, "three"),
        ({"fumage-correlation-id": "x" * 5000}, "x" * 128),
    ],
)
async def test_whose_correlation_id(ask: Ask, headers: dict[str, str], expected: str) -> None:
    """The upstream's own id comes first, under the names that are in use, and not without end."""
    answer = await ask(READS["group"], Canned(GET=Reply(500, b"", headers)))
    assert only_error(answer)["extensions"]["correlationId"] == expected


async def test_the_gateways_own_correlation_id(ask: Ask) -> None:
    """An error that no answer of the upstream's caused has an id of its own."""
    query = '{ __typename group(id: "a/b") { id } }'
    ids = {only_error(await ask(query, Canned()))["extensions"]["correlationId"] for _ in range(3)}
    assert len(ids) == 3
    assert all(len(id) == 32 for id in ids)


async def test_an_answer_that_is_not_compressed_as_it_says(ask: Ask) -> None:
    """A body that can't be unpacked is an answer that makes no sense."""
    answer = await ask(READS["group"], Canned(GET=Reply(200, b"x", {"content-encoding": "gzip"})))
    assert only_error(answer)["extensions"]["code"] == "UPSTREAM_INVALID_RESPONSE"


async def close(_: Connection) -> None:
    """Close without a word."""


async def reset(connection: Connection) -> None:
    """Break off with a TCP reset after the request."""
    await connection.request()
    connection.reset()


async def fall_silent(connection: Connection) -> None:
    """Answer nothing, for as long as anybody listens."""
    await connection.request()
    await connection.reader.read()


def sends(answer: bytes) -> Handler:
    """Answer these bytes and close."""

    async def handler(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer)

    return handler


NETWORK: dict[str, tuple[Handler, str]] = {
    "closes": (close, "UPSTREAM_UNAVAILABLE"),
    "resets": (reset, "UPSTREAM_UNAVAILABLE"),
    "is silent": (fall_silent, "UPSTREAM_TIMEOUT"),
    "speaks SSH": (sends(b"SSH-2.0-OpenSSH_9.9\r\n"), "UPSTREAM_INVALID_RESPONSE"),
    "stops in the head": (sends(b"HTTP/1.1 200 OK\r\nContent-"), "UPSTREAM_UNAVAILABLE"),
    "stops in the body": (
        sends(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"resourceType":'),
        "UPSTREAM_UNAVAILABLE",
    ),
}


@pytest.mark.parametrize("name", [*READS, *WRITES])
@pytest.mark.parametrize("behaviour", NETWORK)
async def test_a_server_that_breaks_the_connection(name: str, behaviour: str) -> None:
    """However a connection breaks, reads and writes fail with one error and its code."""
    handler, code = NETWORK[behaviour]
    async with peer(handler) as server:
        known = Settings(upstream_url=server.url, upstream_timeout=0.2)
        async with opened(create_app(known)) as gateway:
            error = only_error(await gateway((READS | WRITES)[name]))
    assert error["extensions"]["code"] == code


async def test_a_server_that_is_not_there() -> None:
    """A refused connection is UPSTREAM_UNAVAILABLE."""
    async with peer(close) as server:
        pass
    async with opened(create_app(Settings(upstream_url=server.url))) as gateway:
        for name, query in (READS | WRITES).items():
            error = only_error(await gateway(query))
            assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE", name


class Bug(httpx.AsyncBaseTransport):
    """An upstream transport with a mistake in it."""

    def __init__(self, kind: type[Exception]) -> None:
        self.kind = kind

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raise what nobody expects, with words that nobody may read."""
        raise self.kind(f"{SECRET} {request.url}")


@pytest.mark.parametrize("name", [*READS, *WRITES])
@pytest.mark.parametrize("kind", [RuntimeError, TypeError, KeyError])
async def test_a_bug_of_our_own(
    caplog: pytest.LogCaptureFixture, name: str, kind: type[Exception]
) -> None:
    """A bug is INTERNAL_SERVER_ERROR and is logged by type and place; nobody sees its words."""
    known = Settings(upstream_url="http://upstream.test")
    async with opened(create_app(known, transport=Bug(kind))) as gateway:
        error = only_error(await gateway((READS | WRITES)[name]))
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert kind.__name__ in record.getMessage()
    assert "handle_async_request" in record.getMessage()
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("reset", "UPSTREAM_UNAVAILABLE"),
        ("hang", "UPSTREAM_TIMEOUT"),
        ("truncated", "UPSTREAM_INVALID_RESPONSE"),
        ("gzip_bomb", "UPSTREAM_INVALID_RESPONSE"),
        ("not_json", "UPSTREAM_INVALID_RESPONSE"),
        ("wrong_resource_type", "UPSTREAM_INVALID_RESPONSE"),
    ],
)
async def test_one_group_fails_and_the_others_stand(
    make_gateway: Any, sandbox: Any, kind: str, code: str
) -> None:
    """Of groups that are read in one request, one that fails leaves the others whole."""
    rule = FaultRule(kind=kind, path=f"/Group/{JESS_ID}", size_bytes=100_000)  # type: ignore[arg-type]
    sandbox.use(faults=(rule, FaultRule(kind="status", status=400, pattern="_id=")))
    gateway: Gateway = await make_gateway(upstream_timeout=0.3)
    query = f'{{ a: group(id: "{TEST_GROUP_ID}") {{ id }} b: group(id: "{JESS_ID}") {{ id }} }}'
    for _ in range(3):
        answer = await gateway(query)
        assert answer["data"] == {"a": {"id": TEST_GROUP_ID}, "b": None}
        [error] = answer["errors"]
        assert (error["path"], error["extensions"]["code"]) == (["b"], code)


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ a { b", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ " + "a { " * 3000, {}, "GRAPHQL_PARSE_FAILED"),
        ("{ unknown }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("{ group { id } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("{ group(id: [1]) { id } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { group }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query a { __typename } query b { __typename }", {}, "BAD_USER_INPUT"),
        ("fragment f on Group { id }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query ($id: ID!) { group(id: $id) { id } }", {}, "BAD_USER_INPUT"),
        ("query ($id: ID!) { group(id: $id) { id } }", {"id": {"a": 1}}, "BAD_USER_INPUT"),
        ("query ($id: ID!) { group(id: $id) { id } }", {"id": None}, "BAD_USER_INPUT"),
        ("query ($n: Int) { groups(first: $n) { nodes { id } } }", {"n": "1"}, "BAD_USER_INPUT"),
        ("query ($n: Int) { groups(first: $n) { nodes { id } } }", {"n": 2**31}, "BAD_USER_INPUT"),
        (
            "query ($f: GroupFilter) { groups(filter: $f) { nodes { id } } }",
            {"f": {"type": "CHILD"}},
            "BAD_USER_INPUT",
        ),
        (
            "query ($f: GroupFilter) { groups(filter: $f) { nodes { id } } }",
            {"f": {"name": "x"}},
            "BAD_USER_INPUT",
        ),
    ],
)
async def test_a_request_that_is_wrong_before_it_runs(
    gateway: Gateway, sandbox: Any, query: str, variables: dict[str, Any], code: str
) -> None:
    """What fails before execution has no data, the protocol's code, and costs no upstream call."""
    for _ in range(3):
        answer = await gateway(query, **variables)
        assert "data" not in answer
        assert {error["extensions"]["code"] for error in answer["errors"]} == {code}
        assert all("path" not in error for error in answer["errors"])
    assert sandbox.calls == []


async def test_a_schema_that_is_kept_to_oneself(make_gateway: Any) -> None:
    """With introspection switched off neither questions nor typing errors give a name away."""
    gateway = await make_gateway(introspection=False)
    for query in (
        "{ __schema { queryType { name } } }",
        '{ __type(name: "Group") { name } }',
        "{ grou { id } }",
        "query ($f: GroupFilte) { groups(filter: $f) { nodes { id } } }",
    ):
        [error, *_] = (await gateway(query))["errors"]
        assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert "Did you mean" not in error["message"]
    answer = await gateway(
        "query ($f: GroupFilter) { groups(filter: $f) { nodes { id } } }", f={"typ": 1}
    )
    assert "Did you mean" not in str(answer)
    assert await gateway.data("{ __typename }") == {"__typename": "Query"}


@pytest.mark.parametrize(
    ("query", "variables", "path"),
    [
        ('query ($id: ID = "1") { group(id: $id) { id } }', {"id": None}, ["group"]),
        (
            'query ($id: ID = "1") { groups(filter: {id: [$id]}) { nodes { id } } }',
            {"id": None},
            ["groups"],
        ),
        ('{ group(id: "../metadata") { id } }', {}, ["group"]),
        ('{ group(id: "") { id } }', {}, ["group"]),
        ('{ group(id: "..") { id } }', {}, ["group"]),
        ("{ groups(first: -1) { nodes { id } } }", {}, ["groups"]),
        ("{ groups(first: 1, last: 1) { nodes { id } } }", {}, ["groups"]),
        ('{ groups(after: "x") { nodes { id } } }', {}, ["groups"]),
        ('{ groups(filter: {patient: "a/b"}) { nodes { id } } }', {}, ["groups"]),
        (
            f'{{ group(id: "{TEST_GROUP_ID}") {{ member(count: -1) {{ inactive }} }} }}',
            {},
            ["group", "member"],
        ),
        (
            '{ _entities(representations: [{__typename: "Nope", id: "1"}]) { __typename } }',
            {},
            ["_entities", 0],
        ),
        ("{ _entities(representations: [5]) { __typename } }", {}, ["_entities", 0]),
    ],
)
async def test_an_argument_that_is_wrong(
    gateway: Gateway, query: str, variables: dict[str, Any], path: list[Any]
) -> None:
    """An argument that only turns out wrong while running is its field's BAD_USER_INPUT."""
    for _ in range(3):
        answer = await gateway(query, **variables)
        [error] = answer["errors"]
        assert (error["path"], error["extensions"]["code"]) == (path, "BAD_USER_INPUT")
