"""The audit log names those whom the gateway knows."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gateway.test_audit import records
from identity.asking import NAME
from identity.issuer import ISSUER, signed

Start = Callable[..., Any]


async def identities(file: Path, count: int) -> list[Any]:
    """Return the callers in the records of a file, once it has `count` of them."""
    return [record["identity"] for record in await records(file, count)]


@pytest.mark.parametrize("way", ["service account", "passed on"])
async def test_the_bearer_of_a_token(
    open_gateway: Start, by_token: Any, service: Any, tmp_path: Path, way: str
) -> None:
    """Issuer, client and subject of the token; of one that is not good, nothing."""
    file = tmp_path / "audit"
    account = service if way == "service account" else {}
    gateway = await open_gateway(audit_file=str(file), **by_token, **account)
    tokens = [signed(client_id="app"), signed(azp="other", scope="none"), signed(exp=1)]
    for token in tokens:
        await gateway(NAME, token=token)
    assert await identities(file, 3) == [
        {"issuer": ISSUER, "client": "app", "subject": "ada"},
        {"issuer": ISSUER, "client": "other", "subject": "ada"},
        None,
    ]
    assert not any(token in file.read_text() for token in tokens)


@pytest.mark.parametrize(
    ("said", "subject"),
    [
        ("https://ehr.test/Practitioner/1", "https://ehr.test/Practitioner/1"),
        ("https://ehr.test/Patient/1", None),
        (["Practitioner/1"], None),
        ("x" * 257, None),
        (None, None),
    ],
)
async def test_a_claim_of_the_deployments_choice(
    open_gateway: Start, by_token: Any, tmp_path: Path, said: Any, subject: Any
) -> None:
    """It names practitioners; no patient, and nothing that is no name."""
    file = tmp_path / "audit"
    settings = {**by_token, "jwt_audit_claim": "fhirUser"}
    gateway = await open_gateway(audit_file=str(file), **settings)
    await gateway(NAME, token=signed(fhirUser=said))
    [identity] = await identities(file, 1)
    assert identity.get("subject") == subject
    assert identity["issuer"] == ISSUER


async def test_the_holder_of_an_api_key(open_gateway: Start, service: Any, tmp_path: Path) -> None:
    """The name that the file gives the key; answers that are ready have it too."""
    file, keys = tmp_path / "audit", tmp_path / "keys"
    keys.write_text(f"reports {sha256(b'secret').hexdigest()} user/Group.read\n")
    settings = {"callers": "api-keys", "api_keys_file": str(keys), **service}
    gateway = await open_gateway(audit_file=str(file), **settings)
    for key in ("secret", "secret", "unknown"):
        await gateway(NAME, token=key)
    assert await identities(file, 3) == [{"key": "reports"}, {"key": "reports"}, None]
    assert "secret" not in file.read_text()
