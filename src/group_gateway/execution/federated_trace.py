"""Federated tracing: when the resolver of each field started and ended.

It is middleware of graphql-core, so that the times are those of the resolvers themselves. A traced
operation never runs as a compiled plan.
"""

import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from graphql import GraphQLResolveInfo, MiddlewareManager
from graphql.pyutils import is_awaitable

from group_gateway.execution.ftv1 import Node, error_message, trace_message

MOST_FIELDS = 10_000
"""Fields in a trace, each some 60 bytes. A trace with more is marked incomplete."""


class Tracer:
    """Trace one operation, from the moment of construction."""

    def __init__(self) -> None:
        self._began = time.time_ns()
        self._started = time.perf_counter_ns()
        self._fields: list[tuple[GraphQLResolveInfo[Any], list[int]]] = []
        self._is_incomplete = False

    def middleware(self) -> MiddlewareManager:
        """Return the middleware that traces the executor's fields."""
        return MiddlewareManager(self)

    def resolve(
        self,
        resolver: Callable[..., Any],
        source: Any,
        info: GraphQLResolveInfo[Any],
        /,
        **arguments: Any,
    ) -> Any:
        """Call a field's resolver and take its times (the interface of a middleware)."""
        if info.field_name.startswith("__"):  # about the schema: Apollo's servers don't either
            return resolver(source, info, **arguments)
        if len(self._fields) >= MOST_FIELDS:
            self._is_incomplete = True
            return resolver(source, info, **arguments)
        times = [self._now(), 0]
        self._fields.append((info, times))
        try:
            value = resolver(source, info, **arguments)
        finally:
            times[1] = self._now()
        if is_awaitable(value):
            return self._awaited(value, times)
        if isinstance(value, list) and any(map(is_awaitable, value)):
            return [self._awaited(v, times) if is_awaitable(v) else v for v in value]
        return value

    async def _awaited(self, value: Awaitable[Any], times: list[int]) -> Any:
        try:
            return await value
        finally:
            times[1] = self._now()

    def encoded(self, errors: Iterable[Mapping[str, Any]]) -> str:
        """End the trace and return it as `extensions.ftv1` has it, with the response's errors."""
        duration = self._now()
        root = Node()
        for info, (start, end) in self._fields:
            node = root.at(info.path.as_list())
            node.name, node.start, node.end = info.field_name, start, end
            node.type, node.parent_type = str(info.return_type), info.parent_type.name
        for error in errors:
            root.at(error.get("path", ())).errors.append(error_message(error))
        message = trace_message(self._began, duration, root, is_incomplete=self._is_incomplete)
        return b64encode(message).decode()

    def _now(self) -> int:
        return time.perf_counter_ns() - self._started
