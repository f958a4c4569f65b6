"""Incremental delivery: `multipart/mixed` (the RFC on incremental delivery over HTTP).

It applies to clients that accept it, and to documents with `@defer` or `@stream`.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

import msgspec

from group_gateway.execution.graphql_request import GraphQLRequest
from group_gateway.execution.incremental_result import IncrementalResult
from group_gateway.http.admission import Admission
from group_gateway.http.chunked_body import ChunkedBody
from group_gateway.http.operation_report import OperationReport
from group_gateway.http.responses import Reply, multipart_reply
from group_gateway.operation import Operation

_LAST_SECONDS = 10.0
"""Seconds after an operation's deadline in which its last payload may still be sent."""
_encode = msgspec.json.Encoder().encode
# A part ends with the boundary of the next, so that a client need not wait for that to read it.
_BOUNDARY: Final = b"\r\n---"
_LAST_BOUNDARY: Final = b"\r\n-----\r\n"
_HEAD: Final = b"\r\ncontent-type: application/json; charset=utf-8\r\n\r\n"


class IncrementalDelivery:
    """Deliver results in several payloads.

    An operation keeps its admission slot until its last payload is sent.
    """

    def __init__(self, admission: Admission, report: OperationReport) -> None:
        self._admission = admission
        self._report = report

    def reply(
        self, answer: IncrementalResult, request: GraphQLRequest, operation: Operation
    ) -> Reply:
        """Return the response that delivers a result."""
        seconds = operation.deadline + _LAST_SECONDS - asyncio.get_running_loop().time()
        pieces = self._pieces(answer, request, operation)
        return multipart_reply(ChunkedBody(pieces, time.time() + seconds))

    async def _pieces(
        self, answer: IncrementalResult, request: GraphQLRequest, operation: Operation
    ) -> AsyncGenerator[bytes, None]:
        is_whole, begin = False, _BOUNDARY
        try:
            with self._admission.extended():
                async with aclosing(answer):
                    async for part in answer.payloads():
                        if not part["hasNext"]:
                            is_whole = True
                            part["extensions"] = self._report.extensions(request, operation)
                        yield begin + _piece(part)
                        begin = b""
        finally:
            if is_whole:
                self._report.executed(
                    "errors" if answer.codes else "complete", request, operation, answer.codes
                )
            else:
                operation.abandon()
                self._report.executed("abandoned", request, operation, answer.codes)


def _piece(part: dict[str, Any]) -> bytes:
    sent = {key: value for key, value in part.items() if key != "extensions" or value}
    return _HEAD + _encode(sent) + (_BOUNDARY if part["hasNext"] else _LAST_BOUNDARY)
