"""The number of open subscriptions or connections: in a process, and per caller. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from group_gateway.errors import Overloaded, RequestCode
from group_gateway.http.requests import RequestRefused

RETRY_AFTER = 5
"""Retry-After of refused subscriptions, in seconds. Slots free up slowly."""


class SubscriptionLimit:
    """At most `most` slots, and at most `per_caller` for one caller.

    `what` names them in refusals. `note` receives the number of taken slots on each change.
    """

    def __init__(
        self,
        what: str,
        most: int,
        per_caller: int,
        note: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._what = what
        self._most = most
        self._per_caller = per_caller
        self._note = note
        self._all = 0
        self._taken: Counter[str] = Counter()

    @contextmanager
    def take(self, scope: str) -> Iterator[None]:
        """Take a slot within the block; raise RequestRefused when there is none."""
        if self._all >= self._most:
            message = f"The gateway has too many {self._what} open."
            status, code = HTTPStatus.SERVICE_UNAVAILABLE, Overloaded.code
            raise RequestRefused(message, status, code, retry_after=RETRY_AFTER)
        if self._taken[scope] >= self._per_caller:
            message = f"You have {self._per_caller} {self._what} open; that is the limit."
            status, code = HTTPStatus.TOO_MANY_REQUESTS, RequestCode.TOO_MANY_SUBSCRIPTIONS
            raise RequestRefused(message, status, code)
        self._count(scope, 1)
        try:
            yield
        finally:
            self._count(scope, -1)

    def _count(self, scope: str, one: int) -> None:
        self._all += one
        self._taken[scope] += one
        if not self._taken[scope]:
            del self._taken[scope]
        self._note(self._all)
