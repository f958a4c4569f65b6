"""Errors of reads: what goes wrong upstream has its code, and says only what it may."""

from typing import Any

import pytest

from gateway.canned import GROUP, Canned, Reply, outcome
from gateway.failing import (
    BY_ID,
    METHOD,
    NONSENSE,
    READ_FAILURES,
    READS,
    WRITES,
    ask,
    check_place,
    only_error,
)


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(("status", "body", "code", "told"), READ_FAILURES)
async def test_a_read_that_the_upstream_fails(
    read: str, status: int, body: Any, code: str, *, told: bool
) -> None:
    """A failed read is one error with its code, the upstream's id, and an outcome only of a 4xx."""
    answer = await ask(READS[read], Canned(GET=Reply(status, body)), times=3)
    error = only_error(answer)
    check_place(answer, error)
    extensions = error["extensions"]
    assert extensions["code"] == code
    assert extensions["upstreamCorrelationId"] == "upstream-7"
    assert ("operationOutcome" in extensions) is told
    if told:
        assert extensions["operationOutcome"] == body


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("nonsense", NONSENSE)
async def test_a_read_that_is_answered_with_nonsense(read: str, nonsense: str) -> None:
    """A 200 that is not a group is UPSTREAM_INVALID_RESPONSE; only an OperationOutcome is shown."""
    answer = await ask(READS[read], Canned(GET=Reply(200, NONSENSE[nonsense])), times=3)
    error = only_error(answer)
    check_place(answer, error)
    extensions = error["extensions"]
    assert extensions["code"] == "UPSTREAM_INVALID_RESPONSE"
    assert extensions["upstreamCorrelationId"] == "upstream-7"
    assert ("operationOutcome" in extensions) is (nonsense == "an outcome")


@pytest.mark.parametrize("query", [READS["group"], READS["_entities"]])
@pytest.mark.parametrize("reply", [Reply(404, outcome("not-found")), Reply(410, b"")])
async def test_absence_is_no_error(query: str, reply: Reply) -> None:
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
async def test_groups_by_id_that_the_upstream_fails(status: int, code: str) -> None:
    """A list of ids fails as other reads do, and is not asked for one by one in vain."""
    upstream = Canned(GET=Reply(status, b"<html>"))
    assert only_error(await ask(BY_ID, upstream))["extensions"]["code"] == code
    assert len(set(upstream.calls)) == 1


async def test_a_search_that_knows_no_groups_is_no_empty_list() -> None:
    """A 404 to a search, also in FHIR's words, does not mean that nothing was found."""
    answer = await ask(READS["groups"], Canned(GET=Reply(404, outcome("not-found"))))
    error = only_error(answer)
    assert error["extensions"]["code"] == "UPSTREAM_INVALID_RESPONSE"
    assert error["extensions"]["operationOutcome"] == outcome("not-found")


async def test_another_group_than_asked_for() -> None:
    """A group under another id is not passed off as the one asked for."""
    answer = await ask(READS["group"], Canned(GET=Reply(200, GROUP | {"id": "2"})), times=3)
    assert only_error(answer)["extensions"]["code"] == "UPSTREAM_INVALID_RESPONSE"


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
        ({"retry-after": "Sun, 22 Nov 2020 10:00:30 GMT"}, 0),
        ({"retry-after": "Sun, 22 Nov 2220 10:00:30 GMT"}, 86_400),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-7"}, None),
        ({"retry-after": "Mon, 01 Jan 99999 00:00:00 GMT"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_when_to_try_again(status: int, headers: dict[str, str], seconds: int | None) -> None:
    """`Retry-After`, in either form, comes through as seconds by the upstream's own clock."""
    answer = await ask(READS["group"], Canned(GET=Reply(status, b"", headers)))
    assert only_error(answer)["extensions"].get("retryAfter") == seconds


async def test_redirects_are_never_followed() -> None:
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
async def test_whose_correlation_id(headers: dict[str, str], expected: str) -> None:
    """The upstream's own id comes first, under the names that are in use, and not without end."""
    answer = await ask(READS["group"], Canned(GET=Reply(500, b"", headers)))
    assert only_error(answer)["extensions"]["upstreamCorrelationId"] == expected


async def test_the_gateways_own_correlation_id() -> None:
    """An error that no answer of the upstream's caused has an id of its own."""
    query = '{ __typename group(id: "a/b") { id } }'
    ids = {only_error(await ask(query, Canned()))["extensions"]["correlationId"] for _ in range(3)}
    assert len(ids) == 3
    assert all(len(id) == 32 for id in ids)
