"""`POST /auth/token/`: OAuth 2.0 client credentials, as RFC 6749 sections 4.4 and 5 have them.

The real upstream keeps this on another host; here it stands beside the FHIR API.
"""

import re
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from group_gateway.sandbox import wellknown as known
from group_gateway.sandbox.state import Sandbox, sandbox_of
from group_gateway.sandbox.tokens import Caller

_ALL: Final = "user/Group.*"
_SCOPE: Final = re.compile(r"(?:user|system)/(?:Group|\*)\.(read|write|\*)")
_NO_STORE: Final = {"Cache-Control": "no-store"}


async def token(request: Request) -> Response:
    """Return a token for the sandbox's client; a `scope` restricts what it may do."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        return _error(400, "invalid_request")
    form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
    if form.get("grant_type") != "client_credentials":
        return _error(400, "unsupported_grant_type" if "grant_type" in form else "invalid_request")
    if (form.get("client_id"), form.get("client_secret")) != (known.CLIENT_ID, known.CLIENT_SECRET):
        return _error(401, "invalid_client")
    caller = _caller(form.get("scope", _ALL))
    if caller is None:
        return _error(400, "invalid_scope")
    return _granted(sandbox_of(request), caller, form.get("scope", _ALL))


def _granted(sandbox: Sandbox, caller: Caller, scope: str) -> Response:
    lifetime = sandbox.quirks.token_lifetime_s
    content = {
        "access_token": sandbox.tokens.issue(caller, lifetime),
        "expires_in": lifetime,
        "token_type": "Bearer",
        "scope": scope,
    }
    return JSONResponse(content, headers=_NO_STORE)


def _caller(scope: str) -> Caller | None:
    """Parse the rights in SMART scopes; return none when no scope is about groups."""
    rights = {match[1] for part in scope.split() if (match := _SCOPE.fullmatch(part))}
    if not rights:
        return None
    return Caller(reads=bool(rights & {"read", "*"}), writes=bool(rights & {"write", "*"}))


def _error(status: int, code: str) -> Response:
    return JSONResponse({"error": code}, status_code=status, headers=_NO_STORE)
