"""Reads the upstream's CapabilityStatement once, when a search first needs it. Used by `reads`.

It is a hint, not a condition: without one the answers themselves teach the same.
"""

import asyncio
import time

from group_gateway.errors import GatewayError
from group_gateway.groups.knowledge import UpstreamKnowledge
from group_gateway.operation import Operation
from group_gateway.upstream.capability import group_capability
from group_gateway.upstream.client import GroupClient

_RETRY_AFTER = 60.0


class Learning:
    """Fills `UpstreamKnowledge.declared`; tried again a minute after it failed."""

    def __init__(self, client: GroupClient, knowledge: UpstreamKnowledge) -> None:
        self._client = client
        self._knowledge = knowledge
        self._lock = asyncio.Lock()
        self._next_try = 0.0

    async def ensure(self, operation: Operation) -> None:
        """See that the statement was read, or can't be for now."""
        if self._next_try > time.monotonic():
            return
        async with self._lock:
            if self._next_try > time.monotonic():
                return
            try:
                statement = await self._client.capabilities(operation.caller, operation.remaining())
            except GatewayError:
                self._next_try = time.monotonic() + _RETRY_AFTER
            else:
                self._knowledge.declared = group_capability(statement).search_parameters
                self._next_try = float("inf")
