"""Fixtures: a receiver of OTLP over HTTP, and a gateway that exports to it."""

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from frontdoor import Gateway, opened
from group_gateway.app import create_app
from group_gateway.config import Settings


class Receiver:
    """Keeps the spans that arrive, and under which resource.

    It takes none while its `status` is a failure, and answers nobody while `may_answer` is unset.
    """

    def __init__(self) -> None:
        self.status = 200
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.arrived = threading.Event()
        self.spans: list[Any] = []
        self.resource: dict[str, str] = {}
        self.url = ""

    def take(self, body: bytes) -> None:
        """Receive an export."""
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resource = {a.key: a.value.string_value for a in group.resource.attributes}
            self.spans += [span for scope in group.scope_spans for span in scope.spans]

    def named(self, name: str) -> Any:
        """Return the only span of that name."""
        [span] = [span for span in self.spans if span.name == name]
        return span


def attributes(span: Any) -> dict[str, Any]:
    """Return the attributes of a span."""
    values = {}
    for each in span.attributes:
        values[each.key] = getattr(each.value, each.value.WhichOneof("value"))
    return values


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Serve OTLP over HTTP on loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.arrived.set()
            receiver.may_answer.wait()
            if receiver.status == 200:
                receiver.take(body)
            self.send_response(receiver.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield receiver
        receiver.may_answer.set()
        server.shutdown()
        thread.join()


@pytest.fixture
async def traced(
    receiver: Receiver, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[..., Any]]:
    """Yield a function that starts a gateway whose spans go to the receiver when it ends."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    async with AsyncExitStack() as stack:

        async def start(
            transport: httpx.AsyncBaseTransport | None = None, **settings: Any
        ) -> Gateway:
            known = {"upstream_url": "http://upstream.test", "opentelemetry": True, **settings}
            way = transport or httpx.ASGITransport(app=sandbox.app)
            app = create_app(Settings(**known), transport=way)
            return await stack.enter_async_context(opened(app))

        start.end = stack.aclose  # type: ignore[attr-defined]
        yield start
