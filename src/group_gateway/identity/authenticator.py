"""The interface of all authenticators."""

from typing import NamedTuple, Protocol

from group_gateway.errors import Unauthenticated
from group_gateway.operation import Anonymous, Caller, Principal

_SCHEME = "bearer "
NO_TOKEN = Anonymous(Unauthenticated, "Send a bearer token in the Authorization header.")


class Problem(NamedTuple):
    """Why callers can't be authenticated, in one sentence; `is_total` if none of them can."""

    sentence: str
    is_total: bool


class Authenticator(Protocol):
    """Authenticate callers by the Authorization header of a request."""

    @property
    def problem(self) -> Problem | None:
        """Why callers can't be authenticated, if anything is wrong."""

    def cached(self, authorization: str | None) -> Caller | None:
        """Return the caller if that needs no waiting, else None. Called for every request."""

    async def authenticate(self, authorization: str | None) -> Principal:
        """Return the caller, or an Anonymous with the error to raise; may wait."""


class ReloadableAuthenticator:
    """An authenticator that can be replaced while it serves requests."""

    def __init__(self, authenticator: Authenticator) -> None:
        self.use(authenticator)

    def use(self, authenticator: Authenticator) -> None:
        """Use another authenticator from now on."""
        self._authenticator = authenticator
        self.cached = authenticator.cached  # attributes, so that the hot path has no extra call
        self.authenticate = authenticator.authenticate

    @property
    def problem(self) -> Problem | None:
        """See Authenticator."""
        return self._authenticator.problem


def bearer_token(authorization: str) -> str | None:
    """Return the token of an Authorization header; None if it holds no bearer token.

    A token is any visible ASCII (wider than RFC 6750, section 2.1), so that it fits a header.
    """
    token = authorization[len(_SCHEME) :].strip()
    if authorization[: len(_SCHEME)].lower() != _SCHEME:
        return None
    return token if token and token.isascii() and token.isprintable() and " " not in token else None
