"""What an upstream's refusal of a read or a write comes to: status, code, issue and headers."""

import pytest

GROUP = '{type: person, actual: true, name: "x"}'
CREATE = f"mutation{{GroupCreate(res: {GROUP}){{id}}}}"
UPDATE = f"mutation{{GroupUpdate(id: refs, res: {GROUP}){{id}}}}"
DELETE = "mutation{GroupDelete(id: refs){id}}"

WRITES = [
    (400, "invalid", (400, "BAD_USER_INPUT", "invalid")),
    (400, "business-rule", (400, "BAD_USER_INPUT", "business-rule")),
    (401, "login", (401, "UNAUTHENTICATED", "login")),
    (403, "forbidden", (403, "FORBIDDEN", "forbidden")),
    (405, "not-supported", (405, "UPSTREAM_INVALID_RESPONSE", "not-supported")),
    (409, "conflict", (412, "CONFLICT", "conflict")),
    (409, "duplicate", (422, "BAD_USER_INPUT", "duplicate")),
    (412, "processing", (412, "CONFLICT", "processing")),
    (413, "too-long", (413, "BAD_USER_INPUT", "too-long")),
    (422, "processing", (422, "BAD_USER_INPUT", "processing")),
    (422, "exception", (422, "BAD_USER_INPUT", "exception")),
    (429, "throttled", (429, "RATE_LIMITED", "throttled")),
    (500, "exception", (502, "UPSTREAM_UNAVAILABLE", "transient")),
    (503, "transient", (502, "UPSTREAM_UNAVAILABLE", "transient")),
    (504, "timeout", (504, "UPSTREAM_TIMEOUT", "timeout")),
]


@pytest.mark.parametrize("refusal", WRITES)
@pytest.mark.parametrize("write", [("POST /Group", CREATE), ("PUT /Group/refs", UPDATE)])
async def test_refused_writes(fhir, server, write, refusal):
    """A write that the upstream refuses has the refusal's status, and its first issue."""
    (call, mutation), (status, issue, expected) = write, refusal
    server.failures[call] = status
    server.issues = [{"severity": "error", "code": issue, "details": {"text": "Why not"}}]
    assert await fhir.failure(mutation) == expected


async def test_refused_deletions(fhir, server):
    """A deletion that the upstream refuses has the refusal's status too."""
    server.failures["DELETE /Group/refs"] = 422
    assert await fhir.failure(DELETE) == (422, "BAD_USER_INPUT", "exception")


@pytest.mark.parametrize("method", ["POST /Group", "GET /Patient/p1"])
async def test_first_error(fhir, server, method):
    """Of several issues the first error is shown, even after a warning."""
    server.failures[method] = 422
    server.issues = [
        {"severity": "warning", "code": "informational", "details": {"text": "By the way"}},
        {"severity": "fatal", "code": "invariant", "diagnostics": "This one"},
        {"severity": "error", "code": "value", "details": {"text": "Another one"}},
    ]
    query = CREATE if method.startswith("POST") else "{Patient(id: p1){id}}"
    [error] = (await fhir.post(query)).json()["errors"]
    text = {"diagnostics": "This one", "details": {"text": "This one"}}
    assert error["message"] == "This one"
    assert error["extensions"]["resource"] == {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "fatal", "code": "invariant", **text}],
    }


async def test_when_to_come_again(fhir, server):
    """An answer with status 429 says when to come again, where the upstream did."""
    server.failures["GET /Patient/p1"] = 429
    server.retry_after = "7"
    response = await fhir.post("{id}", path="/fhir/Patient/p1/$graphql")
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")


async def test_how_to_authenticate(fhir, server):
    """A 401 says how to authenticate, from the gateway and from the upstream."""
    server.failures["GET /Patient/p1"] = 401
    response = await fhir.post("{id}", path="/fhir/Patient/p1/$graphql")
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
