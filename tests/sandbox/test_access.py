"""Bearer tokens and the rights behind them; `POST /auth/token/`."""

import pytest

from group_gateway.sandbox import Quirks
from group_gateway.sandbox.tokens import Caller, Tokens
from group_gateway.sandbox.wellknown import SEED_GROUP_IDS, TEAM_ID, TEST_GROUP_ID

BODY = {"resourceType": "Group", "type": "person", "actual": True, "name": "New"}
UNKNOWN = (401, ["unknown: Authentication failed"])
FORBIDDEN = (403, ["forbidden: Authorization failed"])
FORM = {"grant_type": "client_credentials", "client_id": "sandbox"}
GOOD = FORM | {"client_secret": "sandbox-secret"}
REQUESTS = [
    ("GET", "/Group"),
    ("GET", f"/Group/{TEST_GROUP_ID}"),
    ("POST", "/Group"),
    ("PUT", f"/Group/{TEST_GROUP_ID}"),
]


def bearer(token):
    """Build the headers that carry a token."""
    return {"Authorization": f"Bearer {token}"}


async def issued(client, **form):
    """Ask for a token with the good client; return the headers that carry it."""
    answer = await client.post("/auth/token/", data=GOOD | form)
    assert answer.status_code == 200, answer.text
    return bearer(answer.json()["access_token"])


@pytest.mark.parametrize(("method", "path"), REQUESTS)
@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer wrong", "Basic sandbox", "sandbox", "Bearer sandbox x"]
)
async def test_no_or_a_wrong_token_is_401(client, method, path, value):
    """Nothing of the Group API answers without a token, not even that an id is unknown."""
    assert await client.refused(method, path, headers={"Authorization": value}) == UNKNOWN


async def test_the_scheme_is_case_insensitive(client):
    """As HTTP has it."""
    answer = await client.get("/Group", headers={"Authorization": "bearer sandbox"})
    assert answer.status_code == 200


async def test_the_reading_token_only_reads(client):
    """`sandbox-read` sees everything and is refused on writes."""
    headers = bearer("sandbox-read")
    everything = (await client.get("/Group")).json()["total"]
    assert (await client.get("/Group", headers=headers)).json()["total"] == everything
    for method, path in REQUESTS[2:]:
        assert await client.refused(method, path, headers=headers, json=BODY) == FORBIDDEN


async def test_the_other_token_sees_half(client):
    """`sandbox-other` finds what it may read and counts nothing else, in seed and generated set."""
    headers = bearer("sandbox-other")
    seen, total = [], 1
    while len(seen) < total:
        url = f"/Group?_count=100&_offset={len(seen)}"
        bundle = (await client.get(url, headers=headers)).json()
        total = bundle["total"]
        seen += [entry["resource"]["id"] for entry in bundle["entry"]]
    everything = (await client.get("/Group")).json()["total"]
    assert len(set(seen)) == total
    assert 0.4 < total / everything < 0.6
    assert len(set(seen) & set(SEED_GROUP_IDS)) == 3
    assert {identity[0] for identity in seen} == set("02468ace")


async def test_a_hidden_group_is_403(client):
    """Reading and updating it by its id is refused; searching for it finds nothing."""
    headers = bearer("sandbox-other")
    url = f"/Group/{TEST_GROUP_ID}"
    assert await client.refused("GET", url, headers=headers) == FORBIDDEN
    body = await client.group(TEST_GROUP_ID)
    assert await client.refused("PUT", url, headers=headers, json=body) == FORBIDDEN
    bundle = (await client.get(f"/Group?_id={TEST_GROUP_ID}", headers=headers)).json()
    assert bundle["total"] == 0


async def test_a_hidden_group_may_be_missing(start):
    """Other servers answer 404, which does not reveal that the group exists."""
    client = start(Quirks(hidden_as_missing=True))
    status, _ = await client.refused(
        "GET", f"/Group/{TEST_GROUP_ID}", headers=bearer("sandbox-other")
    )
    assert status == 404


async def test_the_other_token_writes_what_it_sees(client):
    """It may update what it sees, and always sees what it made."""
    client.headers.update(bearer("sandbox-other"))
    assert (await client.put_group(await client.group(TEAM_ID))).status_code == 200
    for _ in range(8):
        assert await client.group(await client.created())


async def test_a_token_can_be_had(client):
    """Client credentials give a new token with all rights for ten hours."""
    answer = await client.post("/auth/token/", data=GOOD)
    token = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert (token["expires_in"], token["token_type"]) == (36000, "Bearer")
    assert token["scope"] == "user/Group.*"
    client.headers.update(bearer(token["access_token"]))
    assert await client.group(await client.created())
    assert (await client.post("/auth/token/", data=GOOD)).json()["access_token"] not in token


@pytest.mark.parametrize(
    ("scope", "reads", "writes"),
    [
        ("user/Group.read", True, False),
        ("system/Group.write", False, True),
        ("user/Group.read user/Group.write", True, True),
        ("user/*.*", True, True),
        ("openid system/*.read user/Patient.write", True, False),
    ],
)
async def test_a_scope_restricts(client, scope, reads, writes):
    """SMART scopes for Group say whether a token reads and writes."""
    headers = await issued(client, scope=scope)
    assert (await client.get("/Group", headers=headers)).is_success == reads
    assert (await client.post("/Group", headers=headers, json=BODY)).is_success == writes


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        (FORM, 401, "invalid_client"),
        (FORM | {"client_secret": "wrong"}, 401, "invalid_client"),
        (GOOD | {"client_id": "other"}, 401, "invalid_client"),
        (GOOD | {"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({}, 400, "invalid_request"),
        (GOOD | {"scope": "user/Patient.read"}, 400, "invalid_scope"),
    ],
)
async def test_a_wrong_token_request_is_refused(client, form, status, error):
    """Errors are those of RFC 6749, in plain JSON."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.post("/auth/token/", data=form, headers=headers)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


async def test_a_token_request_must_be_a_form(client):
    """JSON is no form."""
    answer = await client.post("/auth/token/", json=GOOD)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


async def test_a_token_ends(start, clock):
    """After its lifetime a token is unknown."""
    client = start(Quirks(token_lifetime_s=60), clock=clock)
    client.headers.update(await issued(client))
    clock.now += 59
    assert (await client.get("/Group")).status_code == 200
    clock.now += 1
    assert await client.refused("GET", "/Group") == UNKNOWN


async def test_issued_tokens_can_be_revoked(client):
    """A revoked token is unknown from then on; revoking it again says that it was."""
    headers = await issued(client)
    token = {"token": headers["Authorization"].removeprefix("Bearer ")}
    assert (await client.post("/sandbox/revoke", json=token)).json() == {"revoked": True}
    assert await client.refused("GET", "/Group", headers=headers) == UNKNOWN
    assert (await client.post("/sandbox/revoke", json=token)).json() == {"revoked": False}


async def test_standing_tokens_can_be_revoked(client):
    """The sandbox's own tokens go too, until a reset."""
    assert (await client.post("/sandbox/revoke", json={"token": "sandbox"})).json()["revoked"]
    assert await client.refused("GET", "/Group") == UNKNOWN
    await client.post("/sandbox/reset")
    assert (await client.get("/Group")).status_code == 200


def test_issued_tokens_are_bounded():
    """Requests for ever new tokens drop the oldest ones."""
    tokens = Tokens(lambda: 0.0)
    first = tokens.issue(Caller(), 60)
    second = tokens.issue(Caller(), 60)
    for _ in range(9_999):
        tokens.issue(Caller(), 60)
    assert tokens.caller(first) is None
    assert tokens.caller(second) == Caller()
