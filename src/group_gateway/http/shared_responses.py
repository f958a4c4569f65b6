"""Responses that requests share: ready ones, and those in flight.

All of them belong to one list of trusted documents. Another list starts with none.
"""

import asyncio
from contextlib import suppress

from group_gateway.cache.store import CacheStore
from group_gateway.events import SharedOutcome
from group_gateway.execution.engine import OperationRunner
from group_gateway.execution.response_cache import RequestKey, ResponseCache
from group_gateway.http.compression import Compression
from group_gateway.http.responses import Reply
from group_gateway.operation import Operation
from group_gateway.single_flight import LeaderGone, SingleFlight


class SharedResponses:
    """The shared responses of a process; the ready ones take at most `max_bytes`."""

    def __init__(
        self, cache: CacheStore, compression: Compression, max_bytes: int, engine: OperationRunner
    ) -> None:
        self._compression = compression
        self._epoch = engine.epoch
        self._joinable_since = engine.epoch()
        self._in_flight: SingleFlight[RequestKey, Reply] = SingleFlight(cache.may_join)
        self._ready: ResponseCache[Reply] = ResponseCache(cache, max_bytes=max_bytes)
        self.get_nowait = self._ready.get_nowait
        """Returns the response if it is ready and valid, as far as is known without waiting."""
        self.lead = self._in_flight.lead
        """Executes a request for all who join it."""

    def __contains__(self, key: RequestKey) -> bool:
        """Return whether a request needs no execution, as far as is known without waiting."""
        return key in self._ready or self._joined(key) is not None

    async def find(self, key: RequestKey) -> tuple[SharedOutcome, Reply] | None:
        """Return another request's response to the same key, and how: `ready` or `joined`."""
        if key in self._ready:
            ready = await self._ready.get(key)
            if ready is not None:
                return "ready", ready
        while (flight := self._joined(key)) is not None:
            with suppress(LeaderGone):  # another waiter leads now; otherwise this one will
                return "joined", await asyncio.shield(flight)
        return None

    def _joined(self, key: RequestKey) -> asyncio.Future[Reply] | None:
        """Return the response in flight, unless it began before the last change known here."""
        epoch = self._epoch()
        if epoch != self._joinable_since:
            self._in_flight.forget()
            self._joinable_since = epoch
        return self._in_flight.joined(key)

    def keep(self, key: RequestKey, operation: Operation, reply: Reply) -> None:
        """Keep the response to a request that was executed, if it is complete."""
        if operation.dependencies and reply.is_complete:
            self._ready.put(key, reply, reply.size, operation.dependencies)

    async def encoded(self, key: RequestKey, reply: Reply, accept_encoding: str | None) -> Reply:
        """Return a response in a coding that the client accepts."""
        coding = self._compression.coding(accept_encoding, reply)
        if coding is None:
            return reply
        is_new = coding not in reply.variants
        variant = await self._compression.encoded(reply, coding)
        if is_new:
            self._ready.resize(key, reply, reply.size)
        return variant

    def encoded_now(
        self, key: RequestKey, reply: Reply, accept_encoding: str | None
    ) -> Reply | None:
        """Return a response in a coding that the client accepts, or None if that takes too long."""
        coding = self._compression.coding(accept_encoding, reply)
        if coding is None:
            return reply
        is_new = coding not in reply.variants
        variant = self._compression.encoded_now(reply, coding)
        if is_new and variant is not None:
            self._ready.resize(key, reply, reply.size)
        return variant
