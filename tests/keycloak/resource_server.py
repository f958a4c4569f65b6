"""The sandbox behind a door that takes a realm's tokens, as a FHIR server in a hospital does."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
from starlette.types import ASGIApp, Receive, Scope, Send

from group_gateway.sandbox.wellknown import READ_TOKEN, TOKEN
from keycloak.server import Keycloak

AUDIENCE = "fhir"


@dataclass
class ResourceServer:
    """Accepts requests with a token for `fhir`; the scope decides between reading and writing."""

    keycloak: Keycloak
    behind: ASGIApp
    clients: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the sandbox does to a token with these rights, or to a wrong one."""
        headers = dict(scope["headers"])
        token = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        headers[b"authorization"] = f"Bearer {await self._token_behind(token)}".encode()
        await self.behind({**scope, "headers": list(headers.items())}, receive, send)

    async def _token_behind(self, token: str) -> str:
        async with httpx.AsyncClient() as http:
            published = (await http.get(self.keycloak.keys_url)).raise_for_status().json()
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key(published, jwt.get_unverified_header(token)["kid"]),
                ["RS256"],
                audience=AUDIENCE,
                issuer=self.keycloak.issuer,
            )
        except (KeyError, jwt.PyJWTError):
            return "wrong"
        self.clients.append(claims["azp"])
        return TOKEN if "system/Group.*" in claims["scope"].split() else READ_TOKEN

    @staticmethod
    def _key(published: dict[str, Any], kid: str) -> Any:
        [found] = [key for key in published["keys"] if key["kid"] == kid]
        return jwt.PyJWK.from_dict(found).key
