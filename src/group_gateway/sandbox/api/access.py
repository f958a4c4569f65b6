"""Authentication and authorization of a request."""

from starlette.requests import Request

from group_gateway.sandbox.outcome import refuse
from group_gateway.sandbox.tokens import Caller, Tokens


def reader(request: Request, tokens: Tokens) -> Caller:
    """Return the caller of a read; `Refusal` 401 or 403."""
    caller = _authenticated(request, tokens)
    if not caller.reads:
        raise refuse(403, "Authorization failed")
    return caller


def writer(request: Request, tokens: Tokens) -> Caller:
    """Return the caller of a write; `Refusal` 401 or 403."""
    caller = _authenticated(request, tokens)
    if not caller.writes:
        raise refuse(403, "Authorization failed")
    return caller


def _authenticated(request: Request, tokens: Tokens) -> Caller:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    caller = tokens.caller(token.strip()) if scheme.lower() == "bearer" else None
    if caller is None:
        raise refuse(401, "Authentication failed")
    return caller
