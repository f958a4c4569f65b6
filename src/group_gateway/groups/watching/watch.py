"""One watched thing, a group or a list: its listeners, and what each caller's last poll found."""

import asyncio
from typing import Generic, TypeVar

from group_gateway.errors import GatewayError
from group_gateway.operation import Caller


class Listener:
    """A subscriber. A change sets a flag, so a slow reader gets the newest state only."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self._news = asyncio.Event()
        self._refusal: GatewayError | None = None

    def notify(self) -> None:
        """Record that something may have changed."""
        self._news.set()

    def refuse(self, refusal: GatewayError) -> None:
        """Record that the upstream no longer shows this to the caller."""
        self._refusal = refusal
        self._news.set()

    async def news(self) -> None:
        """Wait until there is something to read; raise the refusal if there was one."""
        await self._news.wait()
        self.forget()
        if self._refusal is not None:
            raise self._refusal

    def forget(self) -> None:
        """Clear the flag before the state is read."""
        self._news.clear()


SomeListener = TypeVar("SomeListener", bound=Listener)
Seen = TypeVar("Seen")


class Watch(Generic[SomeListener, Seen]):
    """The listeners, and the last state seen for each caller: callers may see different things."""

    def __init__(self) -> None:
        self._listeners: dict[SomeListener, None] = {}
        self._seen: dict[str, Seen] = {}

    def __bool__(self) -> bool:
        """Return whether anybody listens."""
        return bool(self._listeners)

    def add(self, listener: SomeListener) -> None:
        """Add a listener."""
        self._listeners[listener] = None

    def remove(self, listener: SomeListener) -> None:
        """Remove a listener, and what was seen by a caller without another one."""
        self._listeners.pop(listener, None)
        scope = listener.caller.scope
        if all(other.caller.scope != scope for other in self._listeners):
            self._seen.pop(scope, None)

    def next_caller(self) -> Caller | None:
        """Return the caller to poll for: round robin. None when nobody listens."""
        listener = next(iter(self._listeners), None)
        if listener is None:
            return None
        del self._listeners[listener]
        self._listeners[listener] = None
        return listener.caller

    def refuse(self, caller: Caller, refusal: GatewayError) -> None:
        """Remove and notify the listeners of a caller whom the upstream refused."""
        for listener in [each for each in self._listeners if each.caller.scope == caller.scope]:
            self.remove(listener)
            listener.refuse(refusal)
