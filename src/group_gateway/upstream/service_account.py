"""The gateway's own token, by OAuth client credentials (RFC 6749, section 4.4).

`ServiceAccount` keeps it good: fetched once for all who wait, and renewed before its end.
`ServiceAccountExchange` adds it to every request, and renews it when the upstream refuses it.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from group_gateway.errors import GatewayError, UpstreamNotAsked
from group_gateway.single_flight import SingleFlight
from group_gateway.upstream.call import Call, Fields
from group_gateway.upstream.client_assertion import ClientAssertion, NotASigningKey
from group_gateway.upstream.http_exchange import HttpExchange
from group_gateway.upstream.json_endpoint import JsonEndpoint
from group_gateway.upstream.upstream_response import UpstreamResponse

_PAUSE = 1.0
"""Seconds without another try after one that failed: a wrong secret must not lock the account."""
_RENEWED_AT = 0.9
"""Share of its life after which a token is renewed in the background."""
_DEFAULT_LIFE = 300.0
_SHORTEST_LIFE = 1.0
_LONGEST_LIFE = 86_400.0
_OAUTH_ERRORS = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)
_NO_TOKEN = "The gateway could not get its own token for the upstream."  # noqa: S105
_REFUSED = "The upstream does not accept the gateway's own token."
_log = logging.getLogger(__name__)


KEY_UNUSABLE = "the private key can't be used"
"""The reason of a TokenRefused when the file of the account's key is not there or holds none."""


class TokenRefused(UpstreamNotAsked):
    """The token endpoint answered without a token, or can't be asked; `reason` is for operators."""

    def __init__(self, reason: str) -> None:
        super().__init__(_NO_TOKEN)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """An access token.

    `life` is how many seconds it is valid from when it was issued, and `end` when it expires by
    the clock. `scope` is what the token server granted: empty where the response does not say it,
    and then equal to what was requested (RFC 6749, section 5.1).
    """

    authorization: str
    life: float
    end: float
    scope: str = ""


class ServiceAccount:
    """Gets tokens from an endpoint for a client.

    `form` names the client and its scope, and holds its secret unless an `assertion` proves who it
    is. `clock` is in seconds and never goes back.
    """

    def __init__(
        self,
        endpoint: JsonEndpoint,
        form: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
        assertion: ClientAssertion | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._form = {"grant_type": "client_credentials", **form}
        self._clock = clock
        self._assertion = assertion
        self._token: ServiceToken | None = None
        self._fetches: SingleFlight[str, ServiceToken] = SingleFlight()
        self._failure: GatewayError | None = None
        self._paused_until = 0.0
        self._accepted = False

    async def token(self) -> ServiceToken:
        """Return a token that is good; raises UpstreamNotAsked when there is none to be had."""
        token, now = self._token, self._clock()
        if token is None or token.end <= now:
            return await self._fetched()
        if token.end - now < token.life * (1 - _RENEWED_AT) and now >= self._paused_until:
            self._fetches.start(self._endpoint.url, self._fetch)
        return token

    async def replacement(self, refused: ServiceToken) -> ServiceToken:
        """Return another token than one that the upstream refused.

        Raises UpstreamNotAsked when that one was new: another one would fare no better.
        """
        if self._token is refused:
            if not self._accepted and self._clock() < self._paused_until:
                raise UpstreamNotAsked(_REFUSED)
            return await self._fetched()
        return await self.token()

    def note(self, token: ServiceToken, *, accepted: bool) -> None:
        """Record whether the upstream accepted a token."""
        if token is self._token:
            self._accepted = accepted or self._accepted

    async def _fetched(self) -> ServiceToken:
        is_paused = self._failure is not None and self._clock() < self._paused_until
        if is_paused and self._fetches.joined(self._endpoint.url) is None:
            raise UpstreamNotAsked(_NO_TOKEN) from self._failure
        try:
            return await self._fetches.run(self._endpoint.url, self._fetch)
        except GatewayError as failure:
            raise UpstreamNotAsked(_NO_TOKEN) from failure

    async def _fetch(self) -> ServiceToken:
        self._failure = None
        sent_at = self._clock()  # the token's life starts between this and the response
        try:
            token = _granted(await self._endpoint.post(self._parameters()), sent_at)
        except GatewayError as failure:
            self._failure = failure
            _log.warning("The token endpoint issued no token: %s.", _reason(failure))
            raise
        finally:
            self._paused_until = self._clock() + _PAUSE
        self._token, self._accepted = token, False
        return token

    def _parameters(self) -> Mapping[str, str]:
        if self._assertion is None:
            return self._form
        try:
            return {**self._form, **self._assertion.parameters()}
        except (OSError, NotASigningKey) as error:
            raise TokenRefused(KEY_UNUSABLE) from error


def _granted(answer: tuple[int, Any], sent_at: float) -> ServiceToken:
    status, body = answer
    said = body if isinstance(body, dict) else {}
    token, kind = said.get("access_token"), said.get("token_type")
    if status != HTTPStatus.OK:
        error = said.get("error")
        raise TokenRefused(error if error in _OAUTH_ERRORS else f"status {status}")
    if not _is_token(token):
        raise TokenRefused("an answer without a token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise TokenRefused("a token that is not a bearer token")
    seconds = _life(said.get("expires_in"))
    scope = said.get("scope")
    granted = scope if isinstance(scope, str) else ""
    return ServiceToken(f"Bearer {token}", seconds, sent_at + seconds, granted)


def _is_token(said: object) -> bool:
    return isinstance(said, str) and re.fullmatch(r"[!-~]+", said) is not None


def _life(said: object) -> float:
    """Return for how many seconds a token is kept; a shorter life would have each request fetch."""
    if not isinstance(said, int | float) or said <= 0:
        return _DEFAULT_LIFE
    return float(min(max(said, _SHORTEST_LIFE), _LONGEST_LIFE))


def _reason(failure: GatewayError) -> str:
    return failure.reason if isinstance(failure, TokenRefused) else failure.code


class ServiceAccountExchange:
    """An exchange whose requests all carry the gateway's own token, whoever asks."""

    def __init__(self, http: HttpExchange, account: ServiceAccount) -> None:
        self._http = http
        self._account = account

    async def exchange(self, call: Call, trace: Fields, *, until: float) -> UpstreamResponse:
        """Send a call with the token; after a 401 send it once more with a new token.

        Raises UpstreamNotAsked when there is no token that the upstream takes: it is not the
        caller's credential that is wrong.
        """
        async with asyncio.timeout_at(until):
            token = await self._account.token()
        answer = await self._send(call, trace, token, until)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        async with asyncio.timeout_at(until):
            token = await self._account.replacement(token)
        answer = await self._send(call, trace, token, until)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise UpstreamNotAsked(_REFUSED, correlation_id=answer.correlation_id)
        return answer

    async def _send(
        self, call: Call, trace: Fields, token: ServiceToken, until: float
    ) -> UpstreamResponse:
        own = msgspec.structs.replace(call, headers=_with_token(call.headers, token))
        answer = await self._http.exchange(own, trace, until=until)
        self._account.note(token, accepted=answer.status != HTTPStatus.UNAUTHORIZED)
        return answer


def _with_token(headers: Fields, token: ServiceToken) -> Fields:
    """Return headers with the gateway's own token, and no other."""
    others = tuple(field for field in headers if field[0] != "authorization")
    return (*others, ("authorization", token.authorization))
