"""What all ways to know callers have in common."""

from typing import Protocol

from group_gateway.errors import Unauthenticated
from group_gateway.operation import Anonymous, Caller, Principal

_SCHEME = "bearer "
NO_TOKEN = Anonymous(Unauthenticated, "Send a bearer token in the Authorization header.")


class Authenticator(Protocol):
    """Tells who asks by the Authorization header of a request."""

    def known(self, authorization: str | None) -> Caller | None:
        """Give the caller where that takes no waiting, else None. Called for every request."""

    async def authenticate(self, authorization: str | None) -> Principal:
        """Give the caller, or a stranger that holds the error to raise; may wait."""


def bearer_token(authorization: str) -> str | None:
    """Give the token of an Authorization header; None when it holds no bearer token.

    A token is any visible ASCII (wider than RFC 6750, section 2.1), so that it fits a header.
    """
    token = authorization[len(_SCHEME) :].strip()
    if authorization[: len(_SCHEME)].lower() != _SCHEME:
        return None
    return token if token and token.isascii() and token.isprintable() and " " not in token else None
