"""Exports spans, counts those that are lost, and says so in the log: once, and when it is over."""

import logging
from collections.abc import Callable, Mapping, Sequence
from threading import Thread
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from requests import Response, Session

from group_gateway.events import SpanOutcome
from group_gateway.observability.otel_variables import BatchSizes

_LAST_SPANS: Final = 5.0
"""Seconds that the end of the process waits for spans. The SDK would wait for 30."""
_log = logging.getLogger(__name__)
SpansEnded = Callable[[SpanOutcome, int], None]


class SpanExport(BatchSpanProcessor):
    """Queues spans for the collector that OpenTelemetry's variables name, or for `exporter`."""

    def __init__(
        self, environment: Mapping[str, str], count: SpansEnded, exporter: SpanExporter | None
    ) -> None:
        sizes = BatchSizes(environment)
        self.ended = 0
        self._told = _ToldExporter(self, exporter or _Collector(sizes), count, sizes.queue)
        super().__init__(self._told, sizes.queue, sizes.delay, sizes.batch)

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span, without waiting. When the queue is full, the oldest one is dropped."""
        self.ended += 1
        super().on_end(span)

    def finish(self) -> None:
        """Export what is queued, as far as that takes no longer than a few seconds."""
        thread = Thread(target=self.shutdown, name="last spans", daemon=True)
        thread.start()
        thread.join(_LAST_SPANS)
        if thread.is_alive():
            self._told.shutdown()
        self._told.say_what_is_lost()


class _ToldExporter(SpanExporter):
    def __init__(
        self, export: SpanExport, exporter: SpanExporter, count: SpansEnded, queue: int
    ) -> None:
        self._export = export
        self._exporter = exporter
        self._count = count
        self._queue = queue
        self._taken = 0
        self._lost = 0
        self._failing = False
        count("exported", 0)
        count("lost", 0)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans to the collector."""
        self._taken += len(spans)
        dropped = self._export.ended - self._taken - self._queue
        if dropped > 0:
            self._taken += dropped
            self._lose(dropped, "more spans end than can be sent")
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS or self._failure:
            self._lose(len(spans), self._failure or "they can't be sent")
            return SpanExportResult.FAILURE
        self._count("exported", len(spans))
        if dropped <= 0:
            self._recover()
        return result

    @property
    def _failure(self) -> str:
        return getattr(self._exporter, "failure", "")

    def _lose(self, number: int, reason: str) -> None:
        self._count("lost", number)
        self._lost += number
        if not self._failing:
            self._failing = True
            _log.warning("Spans are lost: %s.", reason)

    def _recover(self) -> None:
        if self._failing:
            _log.info("Spans arrive again. %d were lost.", self._lost)
        self._failing, self._lost = False, 0

    def say_what_is_lost(self) -> None:
        """Say at the end how many spans were lost since the last export that succeeded."""
        waiting = self._export.ended - self._taken
        if waiting > 0:
            self._count("lost", waiting)
        if lost := self._lost + max(waiting, 0):
            _log.warning("%d spans were lost.", lost)

    def shutdown(self) -> None:
        """Send nothing more."""
        self._exporter.shutdown()


class _Collector(OTLPSpanExporter):
    """Exports by OTLP over HTTP, and knows why the last request failed."""

    def __init__(self, sizes: BatchSizes) -> None:
        self._network = _Network()
        super().__init__(timeout=sizes.timeout / 1000, session=self._network)

    @property
    def failure(self) -> str:
        """Why the last request failed, in words."""
        return self._network.failure


class _Network(Session):
    failure = ""

    def request(self, *args: Any, **options: Any) -> Response:
        """Send a request, and keep how it ended. A redirect does not deliver spans either."""
        try:
            response = super().request(*args, **options)
        except Exception as error:
            self.failure = f"the collector can't be reached ({type(error).__name__})"
            raise
        delivered = response.status_code < 300  # noqa: PLR2004 - success
        self.failure = "" if delivered else f"the collector answers {response.status_code}"
        return response
