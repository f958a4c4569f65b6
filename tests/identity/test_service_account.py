"""The gateway's own account at the upstream: one token for all, renewed in time."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conftest import Sandbox
from frontdoor import Gateway
from group_gateway.errors import UpstreamNotAsked
from group_gateway.identity.identity_settings import AccessSettings
from group_gateway.sandbox import FaultRule
from group_gateway.upstream.json_endpoint import JsonEndpoint
from group_gateway.upstream.service_account import ServiceAccount
from identity.asking import CREATE, FOUND, LIST, NAME, code
from identity.issuer import signed
from waiting import until

FETCH = "POST /auth/token/"
READ = "query ($id: ID!) { group(id: $id) { name } }"


def revoke(sandbox: Sandbox) -> None:
    """Make the gateway's token worthless."""
    tokens = sandbox.app.state.sandbox.tokens
    assert tokens.revoke(tokens.newest)


async def test_the_callers_token_never_goes_upstream(gateway: Gateway, sandbox: Sandbox) -> None:
    """The upstream knows the gateway alone: it would refuse the caller's JWT."""
    assert await gateway(NAME, token=signed()) == FOUND
    assert sandbox.calls[0] == FETCH
    assert len(sandbox.calls) == 2


async def test_one_token_for_a_hundred_requests_at_once(gateway: Gateway, sandbox: Sandbox) -> None:
    """A hundred callers before the first token cause one call of the token endpoint."""
    sandbox.use(latency_ms=50)
    asked = [gateway(READ, token=signed(sub=f"{n}"), id=f"absent-{n}") for n in range(100)]
    answers = await asyncio.gather(*asked)
    assert all(answer == {"data": {"group": None}} for answer in answers)
    assert sandbox.calls.count(FETCH) == 1


async def test_one_new_token_for_a_hundred_requests_whose_token_was_revoked(
    gateway: Gateway, sandbox: Sandbox
) -> None:
    """A revoked token is replaced once, and each request succeeds at its second try."""
    await gateway(NAME, token=signed())
    sandbox.use(latency_ms=50)
    revoke(sandbox)
    asked = [gateway(READ, token=signed(sub=f"{n}"), id=f"absent-{n}") for n in range(100)]
    answers = await asyncio.gather(*asked)
    assert all(answer == {"data": {"group": None}} for answer in answers)
    assert sandbox.calls.count(FETCH) == 2


async def test_a_token_revoked_in_the_middle_of_an_operation(
    gateway: Gateway, sandbox: Sandbox
) -> None:
    """A walk over pages continues with the next token; a write too, and it is written once."""
    sandbox.use(max_count=1)
    pages = asyncio.create_task(gateway(LIST, token=signed()))
    await until(lambda: len(sandbox.calls) >= 3)
    revoke(sandbox)
    assert len((await pages)["data"]["groups"]["nodes"]) == 3
    revoke(sandbox)
    answer = await gateway.data(CREATE, token=signed())
    assert answer["createGroup"] == {"group": {"name": "Made"}, "issues": []}
    statuses = [e.status for e in sandbox.app.state.sandbox.requests.entries if e.method == "POST"]
    assert statuses.count(201) == 1


def account_of(answer: bytes, clock: Callable[[], float]) -> tuple[ServiceAccount, list[str]]:
    """Return an account whose token endpoint answers so, and what the endpoint was asked."""
    asked: list[str] = []

    def answered(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        return httpx.Response(200, content=answer)

    endpoint = JsonEndpoint("http://auth.test/", httpx.MockTransport(answered), timeout=10)
    return ServiceAccount(endpoint, {}, clock), asked


@pytest.mark.parametrize(
    ("said", "life"),
    [
        ("3600", 3600),
        ("0.5", 1),
        ("1e-9", 1),
        ("9" * 400, 86_400),
        ("0", 300),
        ("-5", 300),
        ('"soon"', 300),
        ("null", 300),
    ],
)
async def test_what_a_token_endpoint_says_of_a_tokens_life(said: str, life: float) -> None:
    """Whatever it says, a token is kept for a second at least and a day at most."""
    now = 1000.0
    answer = b'{"access_token":"a","token_type":"Bearer","expires_in":%b}' % said.encode()
    account, asked = account_of(answer, lambda: now)
    first = await account.token()
    assert first.life == life
    now += 0.8 * life
    assert await account.token() is first
    assert len(asked) == 1
    now += 0.2 * life
    assert await account.token() is not first


@pytest.mark.parametrize("token", ['""', '" "', '"a b"', '"a\\r\\nx: y"', '"\u00e9"', "[]", "null"])
async def test_what_is_no_token(token: str) -> None:
    """What could not be sent in a header is no token, and the endpoint is left alone for a bit."""
    answer = b'{"access_token":%b,"token_type":"Bearer"}' % token.encode()
    account, asked = account_of(answer, lambda: 1000.0)
    for _ in range(3):
        with pytest.raises(UpstreamNotAsked):
            await account.token()
    assert len(asked) == 1


async def test_a_token_is_renewed_before_its_end(sandbox: Sandbox) -> None:
    """In the last tenth of its life the next one is fetched, once, and no request waits for it."""
    now = 1000.0
    endpoint = JsonEndpoint(
        "http://upstream.test/auth/token/", httpx.ASGITransport(app=sandbox.app), timeout=10
    )
    client = {"client_id": "sandbox", "client_secret": "sandbox-secret"}
    account = ServiceAccount(endpoint, client, lambda: now)
    first = await account.token()
    now += 0.89 * first.life
    assert await account.token() is first
    assert sandbox.calls.count(FETCH) == 1
    now += 0.02 * first.life
    for _ in range(3):
        assert await account.token() is first
    await until(lambda: sandbox.calls.count(FETCH) == 2)
    async with asyncio.timeout(10):
        while (second := await account.token()) is first:  # noqa: ASYNC110 - see until
            await asyncio.sleep(0.005)
    now += second.life
    assert await account.token() not in {first, second}
    assert sandbox.calls.count(FETCH) == 3


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 401},
        {"kind": "reset"},
        {"kind": "not_json"},
        {"kind": "html"},
        {"kind": "null"},
        {"kind": "empty"},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
async def test_a_token_endpoint_that_fails(
    gateway: Gateway, sandbox: Sandbox, fault: dict[str, Any]
) -> None:
    """It is UPSTREAM_UNAVAILABLE, for the caller is not wrong; it is not asked at each request."""
    sandbox.use(faults=(FaultRule(path="/auth/token/", **fault),))
    began = time.monotonic()
    answers = [await gateway(NAME, token=signed()) for _ in range(20)]
    assert {code(answer) for answer in answers} == {"UPSTREAM_UNAVAILABLE"}
    assert sandbox.calls.count(FETCH) <= 1 + (time.monotonic() - began)
    assert set(sandbox.calls) == {FETCH}
    sandbox.use()
    async with asyncio.timeout(10):
        while await gateway(NAME, token=signed()) != FOUND:  # noqa: ASYNC110 - see until
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("service_client_secret", "wrong"),
        ("service_token_url", "http://127.0.0.1:9/auth/token/"),
        ("service_scope", "user/Patient.read"),
    ],
)
async def test_a_service_account_that_gets_no_token(
    open_gateway: Any, by_token: Any, service: Any, setting: str, value: str
) -> None:
    """Callers get UPSTREAM_UNAVAILABLE, and the probe says that the gateway has no token."""
    gateway = await open_gateway(**{**by_token, **service, setting: value})
    assert code(await gateway(NAME, token=signed())) == "UPSTREAM_UNAVAILABLE"
    assert (await gateway.http.get("/readyz")).status_code == 503


async def test_a_token_endpoint_that_hangs(
    open_gateway: Any, by_token: Any, service: Any, sandbox: Sandbox
) -> None:
    """It is given as long as an upstream call."""
    sandbox.use(faults=(FaultRule(kind="hang", path="/auth/token/"),))
    gateway = await open_gateway(**by_token, **service, upstream_timeout=0.3)
    answer = await gateway(NAME, token=signed())
    assert code(answer) in {"UPSTREAM_TIMEOUT", "UPSTREAM_UNAVAILABLE"}


async def test_an_upstream_that_takes_no_token_of_the_gateways(
    gateway: Gateway, sandbox: Sandbox
) -> None:
    """The error does not blame the caller, and the token endpoint is not called repeatedly."""
    sandbox.use(faults=(FaultRule(kind="status", status=401),))
    began = time.monotonic()
    answers = [await gateway(NAME, token=signed()) for _ in range(20)]
    assert {code(answer) for answer in answers} == {"UPSTREAM_UNAVAILABLE"}
    pauses = time.monotonic() - began  # of a second each; more of them on a slow machine
    assert sandbox.calls.count(FETCH) <= 3 + pauses


async def test_the_scope_of_the_account(open_gateway: Any, by_token: Any, service: Any) -> None:
    """The account asks for the settings' scope; what it lacks is FORBIDDEN by the upstream."""
    gateway = await open_gateway(**by_token, **service, service_scope="system/Group.read")
    assert await gateway(NAME, token=signed()) == FOUND
    assert code(await gateway(CREATE, token=signed())) == "FORBIDDEN"


async def test_open_doors_by_name(open_gateway: Any, service: Any) -> None:
    """With `anybody` every caller is accepted, with any credential or none."""
    gateway = await open_gateway(callers="anybody", **service)
    assert await gateway(NAME, token="whatever") == FOUND
    response = await gateway.http.post("/graphql", json={"query": NAME})
    assert response.json() == FOUND


@pytest.mark.parametrize(
    ("upstream", "given", "url"),
    [
        ("https://fumage-acme.canvasmedical.com", "", "https://acme.canvasmedical.com/auth/token/"),
        ("https://fumage-acme.canvasmedical.com", "https://a.test/", "https://a.test/"),
        ("https://fumage-acme.canvasmedical.com.evil.test", "", ""),
        ("https://fhir.test", "", ""),
    ],
)
def test_where_canvas_gives_its_tokens(upstream: str, given: str, url: str) -> None:
    """Canvas's token endpoint is at the host without `fumage-`; others need the setting."""
    assert AccessSettings(service_token_url=given).token_url(upstream) == url
