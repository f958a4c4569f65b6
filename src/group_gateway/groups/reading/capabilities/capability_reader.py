"""Read the upstream's CapabilityStatement when a search first needs it.

It is optional: without a statement the gateway learns from responses.
"""

import asyncio
import time

from group_gateway.errors import GatewayError
from group_gateway.groups.reading.capabilities.upstream_capabilities import UpstreamCapabilities
from group_gateway.operation import Operation
from group_gateway.upstream.capability_statement import group_capability
from group_gateway.upstream.client import GroupClient

_FRESH = 3600.0
_RETRY_AFTER = 60.0
_TIMEOUT = 2.0


class CapabilityReader:
    """Sets what `capabilities` say is declared.

    The statement is read again after an hour, or after a minute if reading it failed.
    """

    def __init__(self, client: GroupClient, capabilities: UpstreamCapabilities) -> None:
        self.capabilities = capabilities
        self._client = client
        self._lock = asyncio.Lock()
        self._next_try = 0.0

    async def ensure(self, operation: Operation) -> None:
        """Read the statement, unless it is recent or can't be read for now."""
        if self._next_try > time.monotonic():
            return
        async with self._lock:
            if self._next_try > time.monotonic():
                return
            try:
                timeout = min(operation.remaining(), _TIMEOUT)
                statement = await self._client.capabilities(operation.caller, timeout)
            except GatewayError:
                self._next_try = time.monotonic() + _RETRY_AFTER
            else:
                stated = group_capability(statement)
                self.capabilities.declared = stated.search_parameters
                self.capabilities.interactions = stated.interactions
                self.capabilities.resource_types = stated.resource_types
                self._next_try = time.monotonic() + _FRESH
