"""A service account that proves by a private key who it is (`private_key_jwt`)."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from group_gateway.config import SettingsError, read_settings
from identity.asking import FOUND, NAME, code
from identity.issuer import private_key
from identity.served import served
from identity.token_server import TokenServer

RSA, P384, P256, ED = (private_key("own", name) for name in ("RS384", "ES384", "ES256", "EdDSA"))
PUBLIC = {
    "rsa": RSA.public_key(),
    "p384": P384.public_key(),
    "p256": P256.public_key(),
    "ed": ED.public_key(),
}


def pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    """Write a key as PEM."""
    return bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))


def write(file: Path, content: bytes) -> None:
    """Write a key's file."""
    file.write_bytes(content)


def jwk(key: Any, algorithm: str, **more: Any) -> dict[str, Any]:
    """Write a private key as JWK."""
    made = jwt.get_algorithm_by_name(algorithm).to_jwk(key, as_dict=True)
    return {**made, **more}


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Return where the gateway's private key stands."""
    return tmp_path / "key"


@pytest.fixture
def server() -> TokenServer:
    """Return the token server."""
    return TokenServer(dict(PUBLIC))


@pytest.fixture
async def settings(server: TokenServer, key_file: Path) -> AsyncIterator[dict[str, Any]]:
    """Yield the settings of a gateway with open doors and a private key."""
    async with served(server.app()) as url:
        yield {
            "callers": "anybody",
            "service_client_id": "gateway",
            "service_private_key_file": str(key_file),
            "service_token_url": f"{url}/token",
            "cache_ttl": 0.0,
        }


@pytest.mark.parametrize(
    ("content", "key_id", "kid", "algorithm"),
    [
        (pem(RSA), "rsa", "rsa", "RS384"),
        (pem(RSA, PrivateFormat.TraditionalOpenSSL), "rsa", "rsa", "RS384"),
        (pem(P384), "p384", "p384", "ES384"),
        (pem(P384, PrivateFormat.TraditionalOpenSSL), "p384", "p384", "ES384"),
        (pem(P256), "p256", "p256", "ES256"),
        (pem(ED), "ed", "ed", "EdDSA"),
        (json.dumps(jwk(P384, "ES384", kid="p384")).encode(), "", "p384", "ES384"),
        (json.dumps(jwk(RSA, "RS384", kid="x", alg="RS256")).encode(), "rsa", "rsa", "RS384"),
        (json.dumps({"keys": [jwk(RSA, "RS384", kid="rsa")]}).encode(), "", "rsa", "RS384"),
    ],
    ids=["rsa", "pkcs1", "p384", "sec1", "p256", "ed25519", "jwk", "kid", "jwks"],
)
async def test_each_kind_of_key(  # noqa: PLR0913, PLR0917 - four of them are the case
    open_gateway: Any,
    server: TokenServer,
    settings: dict[str, Any],
    key_file: Path,
    content: bytes,
    key_id: str,
    kid: str,
    algorithm: str,
) -> None:
    """The key's kind decides the algorithm; the assertion says all that RFC 7523 asks for."""
    write(key_file, content)
    gateway = await open_gateway(**settings, service_key_id=key_id, service_scope="system/Group.rs")
    assert await gateway(NAME) == FOUND
    assert [(header["kid"], header["alg"]) for header in server.headers] == [(kid, algorithm)]
    [form] = server.forms
    assert form["grant_type"] == "client_credentials"
    assert form["scope"] == "system/Group.rs"
    assert "client_secret" not in form


async def test_each_assertion_is_used_once(
    open_gateway: Any, server: TokenServer, settings: dict[str, Any], key_file: Path
) -> None:
    """A token server may refuse an assertion that it has seen: the next token has another."""
    write(key_file, pem(RSA))
    gateway = await open_gateway(**settings, service_key_id="rsa")
    assert await gateway(NAME) == FOUND
    again = await open_gateway(**settings, service_key_id="rsa")
    assert await again(NAME) == FOUND
    assert len({claims["jti"] for claims in server.claims}) == len(server.forms) >= 2


async def test_a_key_that_was_replaced(
    open_gateway: Any, server: TokenServer, settings: dict[str, Any], key_file: Path
) -> None:
    """The file is read for each token: a key that was rotated needs no restart."""
    write(key_file, json.dumps(jwk(RSA, "RS384", kid="rsa")).encode())
    gateway = await open_gateway(**settings)
    assert await gateway(NAME) == FOUND
    write(key_file, json.dumps(jwk(P384, "ES384", kid="p384")).encode())
    async with asyncio.timeout(10):  # the server's tokens live for a second
        while server.headers[-1]["alg"] != "ES384":
            assert await gateway(NAME) == FOUND
            await asyncio.sleep(0.05)


async def test_a_key_file_that_broke(
    open_gateway: Any, server: TokenServer, settings: dict[str, Any], key_file: Path
) -> None:
    """Without a key nothing is sent to the token server; callers get UPSTREAM_UNAVAILABLE."""
    write(key_file, b"-----BEGIN NOTHING-----")
    gateway = await open_gateway(**settings)
    assert code(await gateway(NAME)) == "UPSTREAM_UNAVAILABLE"
    assert server.forms == []


async def test_an_audience_of_its_own(
    open_gateway: Any, server: TokenServer, settings: dict[str, Any], key_file: Path
) -> None:
    """A token server behind another name, or one that wants its issuer, gets what it wants."""
    write(key_file, pem(P384))
    server.audience = "https://issuer.test"
    gateway = await open_gateway(
        **settings, service_key_id="p384", service_assertion_audience="https://issuer.test"
    )
    assert await gateway(NAME) == FOUND


async def test_a_key_that_the_server_does_not_know(
    open_gateway: Any,
    settings: dict[str, Any],
    key_file: Path,
    caplog: pytest.LogCaptureFixture,
    server: TokenServer,
) -> None:
    """It is not the caller who is wrong, and neither key nor assertion is logged."""
    caplog.set_level(logging.DEBUG)
    content = pem(private_key("stranger", "ES384"))
    write(key_file, content)
    gateway = await open_gateway(**settings, service_key_id="p384")
    answer = await gateway(NAME)
    assert code(answer) == "UPSTREAM_UNAVAILABLE"
    said = caplog.text + str(answer)
    assert "invalid_client" in said
    assert server.forms[0]["client_assertion"] not in said
    assert content.decode().splitlines()[1] not in said


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "holds no private key in PEM or JWK form."),
        (b"{", "holds no private key in PEM or JWK form."),
        (
            P384.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "holds no private key in PEM or JWK form.",
        ),
        (
            P384.private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a passphrase")
            ),
            "is encrypted with a passphrase.",
        ),
        (json.dumps({"keys": []}).encode(), "holds 0 private keys, and should hold one."),
        (json.dumps({"kty": "EC", "d": "x"}).encode(), "holds a JWK that can't be used."),
    ],
    ids=["empty", "broken", "public", "encrypted", "none", "half"],
)
def test_what_is_no_private_key(key_file: Path, content: bytes, why: str) -> None:
    """What can't be signed with is refused at the start, in one sentence."""
    write(key_file, content)
    sentence = f"GROUP_GATEWAY_SERVICE_PRIVATE_KEY_FILE is wrong: {key_file} {why}"
    assert told(key_file) == sentence


def test_a_key_file_that_is_not_there(key_file: Path) -> None:
    """An unreadable file is an error with its path."""
    assert told(key_file) == (
        f"GROUP_GATEWAY_SERVICE_PRIVATE_KEY_FILE is wrong: there is no file to read at {key_file}."
    )


def test_a_secret_beside_a_key(key_file: Path) -> None:
    """An account proves itself in one way."""
    write(key_file, pem(P384))
    assert told(key_file, GROUP_GATEWAY_SERVICE_CLIENT_SECRET="s3cret") == (
        "The service account has a secret and a private key: set"
        " GROUP_GATEWAY_SERVICE_CLIENT_SECRET or GROUP_GATEWAY_SERVICE_PRIVATE_KEY_FILE, not both."
    )


def told(key_file: Path, **more: str) -> str:
    """Return the sentence about the settings of such a service account; none if they are good."""
    variables = {
        "GROUP_GATEWAY_UPSTREAM_URL": "https://fhir.test",
        "GROUP_GATEWAY_CALLERS": "anybody",
        "GROUP_GATEWAY_SERVICE_CLIENT_ID": "gateway",
        "GROUP_GATEWAY_SERVICE_TOKEN_URL": "https://auth.test/token",
        "GROUP_GATEWAY_SERVICE_PRIVATE_KEY_FILE": str(key_file),
        **more,
    }
    try:
        read_settings(variables, {})
    except SettingsError as error:
        return str(error)
    return ""
