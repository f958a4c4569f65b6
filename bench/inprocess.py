"""The gateway in this process, and the CPU time of its parts. Used by `stages` and `growth`."""

import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

import msgspec
from graphql import execute
from starlette.applications import Starlette
from starlette.types import Message

from group_gateway.app import create_app
from group_gateway.config import Settings
from group_gateway.execution.documents import Document
from group_gateway.execution.graphql_request import GraphQLRequest
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.connections.relay_connection import Connection
from group_gateway.operation import Caller, Operation
from group_gateway.schema.context import Context

if TYPE_CHECKING:
    from group_gateway.execution.engine import Engine

_BATCH_NS = 5_000_000
_LEAST_SAMPLES = 5
_HEADERS = [
    (b"content-type", b"application/json"),
    (b"accept", b"application/json"),
    (b"authorization", b"Bearer bench-0"),
]


class InProcess:
    """A gateway that is asked over ASGI, without a server."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._engine: Engine = app.state.engine
        self.planning = self._engine.planning

    async def post(self, body: bytes, path: str = "/graphql") -> bytes:
        """Send one request and return the answer's body; raises RuntimeError if it has errors."""
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": _HEADERS,
        }
        await self._app(scope, receive, send)
        answer: bytes = sent[1]["body"]
        if answer.startswith(b'{"errors"'):
            raise RuntimeError(f"An answer has errors: {answer[:300]!r}")
        return answer

    def document(self, asked: GraphQLRequest) -> Document:
        """Return a request's document."""
        return self._engine.document(asked)

    def context(self) -> Context:
        """Return the context of a new operation."""
        caller = Caller("bench", "Bearer bench-0")
        operation = Operation(principal=caller, deadline=float("inf"), calls_left=1000)
        # The one thing that an application keeps to itself: a stage has no front door.
        return Context(operation, self._engine._services)  # noqa: SLF001

    async def executed(self, asked: GraphQLRequest, context: Context) -> bytes:
        """Return the encoded data as graphql-core and msgspec make it."""
        node = self.document(asked).node
        if node is None:
            raise RuntimeError("The document is not valid.")
        result = execute(
            self.planning.schema,
            node,
            context_value=context,
            variable_values=dict(asked.variables or {}),
            operation_name=asked.operation_name,
        )
        outcome = await result if isawaitable(result) else result
        return msgspec.json.encode(outcome.data)


@asynccontextmanager
async def opened(upstream_url: str, **settings: Any) -> AsyncIterator[InProcess]:
    """Run a gateway in this process within the block."""
    app = create_app(Settings(upstream_url=upstream_url, **settings))
    async with app.router.lifespan_context(app):
        yield InProcess(app)


async def groups_known(context: Context) -> list[GroupResource]:
    """Return the groups that were read for an operation."""
    found: list[GroupResource] = []
    for value in context.memo.values():
        if isinstance(value, GroupResource):
            found.append(value)
        elif isinstance(value, Connection):
            found += [edge.node for edge in await value.edges()]
    return found


async def cpu_us(work: Callable[[], Any], seconds: float) -> float:
    """Return the CPU microseconds of one call: the median of batches, for about `seconds`."""
    run = _awaiting if isawaitable(first := work()) else _calling
    if isawaitable(first):
        await first
    count, spent = 1, await run(work, 1)
    while spent < _BATCH_NS:
        count *= 2
        spent = await run(work, count)
    end = time.monotonic() + seconds
    samples: list[float] = []
    while time.monotonic() < end or len(samples) < _LEAST_SAMPLES:
        samples.append(await run(work, count) / count / 1000)
    return statistics.median(samples)


async def _calling(work: Callable[[], Any], count: int) -> int:
    begin = time.process_time_ns()
    for _ in range(count):
        work()
    return time.process_time_ns() - begin


async def _awaiting(work: Callable[[], Awaitable[Any]], count: int) -> int:
    begin = time.process_time_ns()
    for _ in range(count):
        await work()
    return time.process_time_ns() - begin
