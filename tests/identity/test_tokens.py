"""Callers with a JWT: which tokens are good, for how long, and by which keys."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from conftest import Sandbox
from frontdoor import Gateway
from identity.asking import FOUND, NAME, code, message
from identity.conftest import Clock
from identity.issuer import ISSUER, Issuer, private_key, published, signed

NOW = int(time.time())


async def test_a_good_token_is_good(gateway: Gateway, issuer: Issuer, sandbox: Sandbox) -> None:
    """Its caller reads with the gateway's own token; the keys are fetched once for all tokens."""
    for subject in ("ada", "grace", "ada"):
        assert await gateway(NAME, token=signed(sub=subject)) == FOUND
    assert issuer.asked == 1
    assert sandbox.calls.count("POST /auth/token/") == 1


@pytest.mark.parametrize("algorithm", ["RS256", "PS384", "ES256", "EdDSA"])
@pytest.mark.parametrize("named", [True, False])
async def test_signatures(gateway: Gateway, issuer: Issuer, algorithm: str, named: bool) -> None:  # noqa: FBT001
    """Every kind of public key will do, whether or not it is published for one algorithm."""
    issuer.keys = [published("a", algorithm, **({"alg": algorithm} if named else {}))]
    assert await gateway(NAME, token=signed("a", algorithm)) == FOUND


@pytest.mark.parametrize("count", [1, 2])
async def test_a_token_that_names_no_key(gateway: Gateway, issuer: Issuer, count: int) -> None:
    """A token without `kid` belongs to the issuer's only key; with two keys it is refused."""
    issuer.keys = [published("one"), published("two")][:count]
    answer = await gateway(NAME, token=signed(None))
    assert answer == FOUND if count == 1 else code(answer) == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"exp": NOW - 60}, "The token has expired."),
        ({"nbf": NOW + 3600}, "The token is not valid yet."),
        ({"iss": "https://other.test/"}, "The token is another issuer's."),
        ({"iss": ISSUER.rstrip("/")}, "The token is another issuer's."),
        ({"aud": "https://other.test"}, "The token is for another audience."),
        ({"aud": ["https://other.test"]}, "The token is for another audience."),
        *(
            ({name: None}, "The token lacks one of the claims exp, iss, aud and sub.")
            for name in ("exp", "iss", "aud", "sub")
        ),
        ({"sub": ""}, "The token lacks one of the claims exp, iss, aud and sub."),
        ({"sub": 1}, "The token is not one of those that are accepted here."),
        ({"sub": "\ud800"}, "The token is not one of those that are accepted here."),
        ({"exp": "soon"}, "The token is not one of those that are accepted here."),
        ({"exp": 1e400}, "The token is not one of those that are accepted here."),
    ],
)
async def test_a_token_that_says_something_else(
    gateway: Gateway, sandbox: Sandbox, claims: dict[str, Any], told: str
) -> None:
    """Expired, early, another's, or with a claim missing: refused before any upstream call."""
    answer = await gateway(NAME, token=signed(**claims))
    assert (code(answer), message(answer)) == ("UNAUTHENTICATED", told)
    assert sandbox.calls == []


def _forged(header: dict[str, Any], signature: bytes = b"") -> str:
    claims = jwt.decode(signed(), options={"verify_signature": False})
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _signed_with_the_public_key() -> str:
    """Sign by HMAC with what everybody knows: the PEM of the public key."""
    public = private_key("rsa", "RS256").public_key()
    secret = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head, claims, _ = _forged({"alg": "HS256", "kid": "rsa"}).split(".")
    mac = jwt.get_algorithm_by_name("HS256").sign(f"{head}.{claims}".encode(), secret)
    return f"{head}.{claims}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


FORGERIES: dict[str, Callable[[], str]] = {
    "alg none": lambda: _forged({"alg": "none", "kid": "one"}),
    "alg None": lambda: _forged({"alg": "None", "kid": "one"}),
    "no alg": lambda: _forged({"kid": "one"}),
    "alg is no text": lambda: _forged({"alg": ["ES256"], "kid": "one"}),
    "kid is no text": lambda: _forged({"alg": "ES256", "kid": {"a": 1}}),
    "HMAC by the public key": _signed_with_the_public_key,
    "another key of that name": lambda: jwt.encode(
        jwt.decode(signed(), options={"verify_signature": False}),
        private_key("stranger", "ES256"),
        "ES256",
        {"kid": "one"},
    ),
    "another algorithm of that name": lambda: signed("rsa", "ES256"),
    "a changed claim": lambda: signed().replace(".", ".eyJhIjoxfQ.", 1).replace(".", "x", 1),
    "no signature": lambda: signed().rpartition(".")[0] + ".",
    "half a token": lambda: signed()[:80],
    "no token at all": lambda: "a.b.c",
    "deep JSON": lambda: _forged({"alg": "ES256", "kid": "one"}).replace(
        ".", "." + base64.urlsafe_b64encode(b"[" * 9000).decode(), 1
    ),
    "deep header": lambda: base64.urlsafe_b64encode(b'{"a":' * 9000).decode() + ".e30.",
}


@pytest.mark.parametrize("kind", FORGERIES)
async def test_a_forged_token(
    gateway: Gateway, issuer: Issuer, sandbox: Sandbox, kind: str
) -> None:
    """Only a token that the issuer signed as it is, with a private key, is accepted."""
    issuer.keys = [published("one"), published("rsa", "RS256")]
    answer = await gateway(NAME, token=FORGERIES[kind]())
    assert code(answer) == "UNAUTHENTICATED"
    assert sandbox.calls == []


async def test_keys_that_are_not_for_signatures(gateway: Gateway, issuer: Issuer) -> None:
    """A key for encryption, a shared secret and a weak key vouch for nothing."""
    secret = {"kty": "oct", "kid": "secret", "k": "c2VjcmV0" * 8, "use": "sig"}
    issuer.keys = [published("one", use="enc"), secret, published("good")]
    assert code(await gateway(NAME, token=signed("one"))) == "UNAUTHENTICATED"
    by_secret = jwt.encode({"sub": "ada"}, "secret" * 8, "HS256", {"kid": "secret"})
    assert code(await gateway(NAME, token=by_secret)) == "UNAUTHENTICATED"
    assert await gateway(NAME, token=signed("good")) == FOUND


@pytest.mark.parametrize(("operations", "good"), [(["verify"], True), (["encrypt"], False)])
async def test_keys_that_name_their_operations(
    gateway: Gateway,
    issuer: Issuer,
    operations: list[str],
    good: bool,  # noqa: FBT001
) -> None:
    """A key verifies nothing when it is published for something else (RFC 7517, section 4.3)."""
    issuer.keys = [published("one", key_ops=operations), published("other")]
    answer = await gateway(NAME, token=signed("one"))
    assert answer == FOUND if good else code(answer) == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "first",
    [published("one", "RS256"), published("one", "ES384"), published("one", x="!"), {"kid": "one"}],
    ids=["another type", "another curve", "broken", "nothing else"],
)
async def test_keys_of_one_name(gateway: Gateway, issuer: Issuer, first: dict[str, Any]) -> None:
    """Of keys that share a name the one counts that goes with the token's algorithm."""
    issuer.keys = [first, published("one")]
    assert await gateway(NAME, token=signed("one")) == FOUND


async def test_an_expired_token_gets_no_ready_answer(gateway: Gateway, clock: Clock) -> None:
    """What is kept ready for a caller is not given to a token that has expired meanwhile."""
    token = signed(exp=int(time.time()) + 150)
    for _ in range(3):
        assert await gateway(NAME, token=token) == FOUND
    clock.ahead = 200  # the keys are not due for renewal yet
    answer = await gateway(NAME, token=token)
    assert (code(answer), message(answer)) == ("UNAUTHENTICATED", "The token has expired.")


async def test_leeway(open_gateway: Any, by_token: Any, service: Any) -> None:
    """An issuer whose clock differs by less than the leeway is forgiven."""
    gateway = await open_gateway(**{**by_token, **service, "jwt_leeway": 120.0})
    assert await gateway(NAME, token=signed(exp=int(time.time()) - 60)) == FOUND
    assert await gateway(NAME, token=signed(nbf=int(time.time()) + 60)) == FOUND
    assert code(await gateway(NAME, token=signed(exp=NOW - 600))) == "UNAUTHENTICATED"


async def test_key_rotation(gateway: Gateway, issuer: Issuer, clock: Clock) -> None:
    """A new key counts as soon as a token names it; a withdrawn one no more after the renewal."""
    old = signed("one")
    assert await gateway(NAME, token=old) == FOUND
    issuer.keys = [published("two")]
    clock.ahead = 60
    assert await gateway(NAME, token=signed("two")) == FOUND
    assert code(await gateway(NAME, token=old)) == "UNAUTHENTICATED"
    assert issuer.asked == 2


async def test_a_withdrawn_key_is_noticed_without_any_new_one(
    gateway: Gateway, issuer: Issuer, clock: Clock
) -> None:
    """Keys are renewed every few minutes: a withdrawn one's tokens then end."""
    token = signed("one", exp=NOW + 86_400)
    assert await gateway(NAME, token=token) == FOUND
    issuer.keys = [published("two")]
    clock.ahead = 600
    answers = [await gateway(NAME, token=token) for _ in range(2)]
    while answers[-1] == FOUND:
        answers.append(await gateway(NAME, token=token))
    assert code(answers[-1]) == "UNAUTHENTICATED"
    assert issuer.asked == 2


async def test_junk_keys_do_not_hammer_the_issuer(
    gateway: Gateway, issuer: Issuer, clock: Clock
) -> None:
    """A thousand tokens with unknown keys cost the issuer one request in some seconds."""
    await gateway(NAME, token=signed())
    clock.ahead = 60
    header = {"alg": "ES256"}
    for number in range(1000):
        answer = await gateway(NAME, token=_forged({**header, "kid": f"junk {number}"}, b"x" * 64))
        assert code(answer) == "UNAUTHENTICATED"
    assert issuer.asked == 2


@pytest.mark.parametrize("keys", [[], "none", [1, {"kty": "RSA"}], None])
async def test_an_issuer_that_fails(
    gateway: Gateway, issuer: Issuer, clock: Clock, sandbox: Sandbox, keys: Any
) -> None:
    """While the keys can't be fetched, no caller is refused as wrong; later all works."""
    issuer.status, issuer.keys = (503, issuer.keys) if keys is None else (200, keys)
    answer = await gateway(NAME, token=signed())
    if keys == [1, {"kty": "RSA"}]:
        assert code(answer) == "UNAUTHENTICATED"
    else:
        assert code(answer) == "UPSTREAM_UNAVAILABLE"
    assert sandbox.calls == []
    issuer.status, issuer.keys = 200, [published("one")]
    clock.ahead = 60
    assert await gateway(NAME, token=signed()) == FOUND


async def test_the_last_good_keys_serve_while_the_issuer_fails(
    gateway: Gateway, issuer: Issuer, clock: Clock
) -> None:
    """Tokens of known keys are accepted; one of an unknown key can't be verified."""
    assert await gateway(NAME, token=signed()) == FOUND
    issuer.status = 500
    clock.ahead = 400
    for subject in ("ada", "grace", "edsger"):
        assert await gateway(NAME, token=signed(sub=subject)) == FOUND
    assert code(await gateway(NAME, token=signed("two"))) == "UPSTREAM_UNAVAILABLE"
    assert code(await gateway(NAME, token=signed("two"))) == "UPSTREAM_UNAVAILABLE"


async def test_an_issuer_out_of_reach(open_gateway: Any, by_token: Any, service: Any) -> None:
    """A closed port is UPSTREAM_UNAVAILABLE with a token, and has no effect without one."""
    gateway = await open_gateway(
        **{**by_token, **service, "jwt_keys_url": "http://127.0.0.1:9/keys"}
    )
    assert code(await gateway(NAME, token=signed())) == "UPSTREAM_UNAVAILABLE"
    response = await gateway.http.post("/graphql", json={"query": NAME})
    assert code(response.json()) == "UNAUTHENTICATED"
    assert await gateway.data("{ __typename }", token=signed()) == {"__typename": "Query"}


async def test_a_verified_token_may_go_upstream(
    open_gateway: Any, by_token: Any, sandbox: Sandbox
) -> None:
    """Without a service account the upstream gets the caller's own token, and has its say."""
    gateway = await open_gateway(**by_token)
    assert code(await gateway(NAME, token=signed(aud="other"))) == "UNAUTHENTICATED"
    assert sandbox.calls == []
    refused = await gateway(NAME, token=signed())
    assert code(refused) == "UNAUTHENTICATED"  # the sandbox knows no JWTs
    assert len(sandbox.calls) == 1


async def test_get_requests_are_told_apart_too(gateway: Gateway) -> None:
    """A GET needs a good token as a POST does."""
    headers = {"authorization": f"Bearer {signed()}"}
    answer = await gateway.http.get("/graphql", params={"query": NAME}, headers=headers)
    assert answer.json() == FOUND
    headers = {"authorization": f"Bearer {signed(aud='other')}"}
    answer = await gateway.http.get("/graphql", params={"query": NAME}, headers=headers)
    assert code(answer.json()) == "UNAUTHENTICATED"
