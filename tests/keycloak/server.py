"""Keycloak as a process, and a realm in it for the tests."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import TYPE_CHECKING, Any

import httpx

import maven
import processes

if TYPE_CHECKING:
    import subprocess

HERE = Path(__file__).parent
REALM = "hospital"
AUDIENCE = "group-gateway"
GATEWAY_SECRET = "a secret of the gateway's client"
SCOPES = ("user/Group.read", "user/Group.*", "system/Group.*")
TOKEN_LIFE = 3600
START_SECONDS = 300
_ADMIN = "admin"


@dataclass
class Keycloak:
    """A running Keycloak with the realm `hospital`.

    Its clients: `portal` gets the callers' tokens, `gateway` has a secret, and those that
    `add_key_client` adds have a key.
    """

    url: str
    http: httpx.Client

    @property
    def issuer(self) -> str:
        """The realm's address, which is its tokens' issuer."""
        return f"{self.url}/realms/{REALM}"

    @property
    def keys_url(self) -> str:
        """Where the realm publishes its keys."""
        return f"{self.issuer}/protocol/openid-connect/certs"

    @property
    def token_url(self) -> str:
        """The realm's token endpoint."""
        return f"{self.issuer}/protocol/openid-connect/token"

    def caller_token(self, scope: str, client: str = "portal") -> str:
        """Get a token of a caller with this scope."""
        form = {
            "grant_type": "client_credentials",
            "client_id": client,
            "client_secret": GATEWAY_SECRET,
            "scope": scope,
        }
        return str(self.http.post(self.token_url, data=form).raise_for_status().json()[_TOKEN])

    def make_realm(self) -> None:
        """Create the realm, its scopes and its clients."""
        self.admin("POST", "", realm=REALM, enabled=True, accessTokenLifespan=TOKEN_LIFE)
        for scope in SCOPES:
            self.admin("POST", f"/{REALM}/client-scopes", name=scope, protocol="openid-connect")
        self._add_client("portal", audience=AUDIENCE, secret=GATEWAY_SECRET)
        self._add_client("stranger", audience="something-else", secret=GATEWAY_SECRET)
        self._add_client("gateway", audience="fhir", secret=GATEWAY_SECRET)

    def add_key_client(self, id: str, jwks: str) -> None:
        """Add a client that signs its requests; `jwks` are its public keys."""
        attributes = {"use.jwks.string": "true", "jwks.string": jwks}
        self._add_client(
            id, audience="fhir", clientAuthenticatorType="client-jwt", attributes=attributes
        )

    def rotate_key(self) -> None:
        """Rotate the realm's signing key; the old keys stay published."""
        [realm] = [each for each in self.admin("GET", "").json() if each["realm"] == REALM]
        self.admin(
            "POST",
            f"/{REALM}/components",
            name="rotated",
            providerId="rsa-generated",
            providerType="org.keycloak.keys.KeyProvider",
            parentId=realm["id"],
            config={"priority": ["1000"], "algorithm": ["RS256"], "keySize": ["2048"]},
        )

    def admin(self, method: str, path: str, **body: Any) -> httpx.Response:
        """Ask the admin interface for something below its realms."""
        form = {
            "grant_type": "password",
            "client_id": "admin-cli",
            "username": _ADMIN,
            "password": _ADMIN,
        }
        url = f"{self.url}/realms/master/protocol/openid-connect/token"
        token = self.http.post(url, data=form).raise_for_status().json()[_TOKEN]
        headers = {"authorization": f"Bearer {token}"}
        url = f"{self.url}/admin/realms{path}"
        answer = self.http.request(method, url, headers=headers, json=body or None)
        return answer.raise_for_status()

    def _add_client(self, id: str, *, audience: str, **more: Any) -> None:
        mapper = {
            "name": "audience",
            "protocol": "openid-connect",
            "protocolMapper": "oidc-audience-mapper",
            "config": {"included.custom.audience": audience, "access.token.claim": "true"},
        }
        self.admin(
            "POST",
            f"/{REALM}/clients",
            clientId=id,
            serviceAccountsEnabled=True,
            standardFlowEnabled=False,
            protocolMappers=[mapper],
            optionalClientScopes=list(SCOPES),
            **more,
        )


_TOKEN = "access_token"


@contextmanager
def running() -> Iterator[Keycloak]:
    """Run Keycloak within the block."""
    [home] = maven.build(HERE).glob("keycloak-*")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "KC_BOOTSTRAP_ADMIN_USERNAME": _ADMIN,
        "KC_BOOTSTRAP_ADMIN_PASSWORD": _ADMIN,
        "JAVA_OPTS_APPEND": "-Xmx768m -XX:TieredStopAtLevel=1",
    }
    command = [
        *("sh", str(home / "bin" / "kc.sh"), "start-dev", "--cache=local"),
        *("--db=dev-mem", "--http-host=127.0.0.1", f"--http-port={port}"),
    ]
    with (
        TemporaryDirectory() as folder,
        TemporaryFile("w+") as log,
        processes.running(command, stdout=log, stderr=log, env=environment, cwd=folder) as process,
        httpx.Client(timeout=60) as http,
    ):
        keycloak = Keycloak(f"http://127.0.0.1:{port}", http)
        _await_start(keycloak, process, log)
        keycloak.make_realm()
        yield keycloak


def _await_start(keycloak: Keycloak, process: "subprocess.Popen[bytes]", log: Any) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(httpx.TransportError):
            if keycloak.http.get(f"{keycloak.url}/realms/master").is_success:
                return
        time.sleep(0.2)
    log.seek(0)
    raise RuntimeError(f"Keycloak did not start:\n{log.read()[-3000:]}")
