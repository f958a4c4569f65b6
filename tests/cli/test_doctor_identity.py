"""`group-gateway doctor` as the service account, and on the issuer of the callers' tokens."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cli.commands import Server, ask, serving
from cli.examining import Examine
from cli.wrong_servers import http, pipeline
from identity.issuer import private_key, published

NOWHERE = "http://127.0.0.1:9/"
JWT = {"callers": "jwt", "jwt_issuer": "https://issuer.test/", "jwt_audience": "gateway"}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Server]:
    """Run the sandbox's FHIR server for the tests of this file."""
    with serving("sandbox", "--upstream-only", "--port", "0") as server:
        yield server


def service(url: str, **changed: str) -> dict[str, str]:
    """Return the settings of a service account at the sandbox."""
    return {
        "callers": "anybody",
        "service_client_id": "sandbox",
        "service_client_secret": "sandbox-secret",
        "service_token_url": f"{url}/auth/token/",
        **changed,
    }


def test_it_asks_as_the_service_account(examine: Examine, upstream: Server) -> None:
    """Without a token it gets the gateway's own, and looks at the upstream with that."""
    found = examine(upstream.url, "", **service(upstream.url))
    assert found["service account"] == (
        "ok: The token endpoint gives a token, good for 36000 seconds."
    )
    assert found["credentials"] == "ok: The server takes the token."
    assert found["read"].startswith("ok")


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ("system/Group.*", "ok: The token's scopes allow to read groups and to write them."),
        (
            "system/Group.read",
            (
                "warn: The token's scopes allow to read groups, not to write them."
                " For mutations it needs user/Group.write (or system/Group.write)."
            ),
        ),
    ],
)
def test_what_the_service_account_may_do(
    examine: Examine, upstream: Server, scope: str, told: str
) -> None:
    """An opaque token is known by the scopes that came with it."""
    found = examine(upstream.url, "", **service(upstream.url, service_scope=scope))
    assert found["scopes"] == told


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"service_client_secret": "wrong"},
            (
                "The token endpoint gives no token: invalid_client."
                " Check GROUP_GATEWAY_SERVICE_CLIENT_ID and GROUP_GATEWAY_SERVICE_CLIENT_SECRET."
            ),
        ),
        (
            {"service_scope": "user/Patient.read"},
            "The token endpoint gives no token: invalid_scope. Check GROUP_GATEWAY_SERVICE_SCOPE.",
        ),
        (
            {"service_token_url": NOWHERE},
            "Nothing takes connections at 127.0.0.1 port 9. Check GROUP_GATEWAY_SERVICE_TOKEN_URL.",
        ),
    ],
)
def test_it_says_why_there_is_no_token(
    examine: Examine, upstream: Server, changed: dict[str, str], told: str
) -> None:
    """For a wrong client, scope or address, the report names the setting to check."""
    found = examine(upstream.url, "", **service(upstream.url, **changed))
    assert found["service account"] == f"fail: {told}"
    assert found["connection"].startswith("ok")


def test_a_private_key_that_the_token_server_does_not_know(
    examine: Examine, upstream: Server, tmp_path: Path
) -> None:
    """The report names the settings to check; the sandbox knows no client by a key."""
    key_file = tmp_path / "key.pem"
    key_file.write_bytes(
        private_key("stranger", "ES384").private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
    )
    by_key = {"service_client_secret": "", "service_private_key_file": str(key_file)}
    found = examine(upstream.url, "", **service(upstream.url, **by_key))
    assert found["service account"] == (
        "fail: The token endpoint gives no token: invalid_client."
        " Check GROUP_GATEWAY_SERVICE_CLIENT_ID, that the token server knows the public half of"
        " GROUP_GATEWAY_SERVICE_PRIVATE_KEY_FILE, by the id in GROUP_GATEWAY_SERVICE_KEY_ID, and"
        " this machine's clock."
    )


def test_it_reads_the_issuers_keys(examine: Examine, upstream: Server) -> None:
    """They must be there to read, and for signatures."""
    keys = json.dumps({"keys": [published("one"), published("two", use="enc")]})
    with pipeline(lambda _: http("200 OK", keys)) as issuer:
        found = examine(upstream.url, "sandbox", **JWT, jwt_keys_url=issuer)
    assert found["issuer's keys"] == "ok: The issuer publishes keys for signatures: 1."
    for status, body, what in (("200 OK", "{}", "no keys"), ("404 Not Found", keys, "status 404")):
        answer = http(status, body)
        with pipeline(lambda _, answer=answer: answer) as issuer:  # type: ignore[misc]
            found = examine(upstream.url, "sandbox", **JWT, jwt_keys_url=issuer)
        assert found["issuer's keys"] == (
            f"fail: The issuer's keys can't be read: {what}. Check GROUP_GATEWAY_JWT_KEYS_URL."
        )
    found = examine(upstream.url, "sandbox", **JWT, jwt_keys_url=NOWHERE)
    assert found["issuer's keys"].startswith("fail: Nothing takes connections")


def test_a_newcomer_can_try_the_service_account() -> None:
    """`sandbox` with its client's id and secret needs nothing else, and no token of a caller."""
    account = service("")
    del account["service_token_url"]
    with serving("sandbox", "--port", "0", **account) as server:
        query = {"query": "{ groups(first: 1) { nodes { id } } }"}
        answer = ask("POST", f"{server.url}/graphql", json=query).json()
    assert len(answer["data"]["groups"]["nodes"]) == 1
