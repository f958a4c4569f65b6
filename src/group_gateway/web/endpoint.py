"""The GraphQL endpoint: one HTTP request, one operation (GraphQL over HTTP specification).

A POST is answered straight on ASGI, because a framework's request and response objects would cost
more than a small query; visits of browsers and GETs go the ordinary way.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from group_gateway.access.callers import Callers
from group_gateway.cache.store import CacheStore
from group_gateway.errors import RequestCode
from group_gateway.execution.engine import Answer, Engine, GraphQLRequest
from group_gateway.execution.parts import AnswerInParts
from group_gateway.execution.sharing import AnswersInFlight, LeaderGone, Question, ReadyAnswers
from group_gateway.execution.tracing import Tracer
from group_gateway.operation import Asker, Operation, Trail
from group_gateway.telemetry import Telemetry
from group_gateway.web.admission import Admission
from group_gateway.web.crosssite import check_same_site
from group_gateway.web.graphiql import GraphiQL
from group_gateway.web.journal import Journal
from group_gateway.web.limits import RequestLimits
from group_gateway.web.outcomes import Outcomes
from group_gateway.web.parts import PartsDelivery
from group_gateway.web.persisted import PersistedDocuments
from group_gateway.web.receiving import whole_body
from group_gateway.web.replies import (
    CORRELATION_HEADER,
    Reply,
    answer_reply,
    batch_reply,
    new_correlation_id,
    not_acceptable,
    refusal,
    revalidated,
)
from group_gateway.web.wire import (
    JSON,
    RequestRefused,
    check_json_content,
    header_values,
    is_array,
    media_type_for,
    operations_of_body,
    request_of_body,
    request_of_query,
    wants_html,
)
from group_gateway.web.wishes import Wish, Wishes

_READ = frozenset({b"accept", b"authorization", b"content-length", b"content-type"})
RawHeaders = Sequence[tuple[bytes, bytes]]
"""As ASGI has them: names in lower case."""
_chosen_media_type = lru_cache(256)(media_type_for)
_check_json_content = lru_cache(256)(check_json_content)


class Endpoint:
    """Answers GET and POST. `page` is what a browser gets, if anything."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that answering takes
        self,
        engine: Engine,
        callers: Callers,
        limits: RequestLimits,
        cache: CacheStore,
        telemetry: Telemetry,
        journal: Journal,
        page: GraphiQL | None = None,
        persisted: PersistedDocuments | None = None,
        wishes: Wishes | None = None,
    ) -> None:
        self._engine = engine
        self._callers = callers
        self._limits = limits
        self._telemetry = telemetry
        self._journal = journal
        self._admission = Admission(limits.operations)
        self._outcomes = Outcomes(engine, limits, telemetry, journal)
        self._parts = PartsDelivery(self._admission, self._outcomes)
        self._page = page
        self._persisted = persisted or PersistedDocuments(telemetry)
        self._wishes = wishes or Wishes()
        self._read = _READ | self._wishes.headers
        self._in_flight: AnswersInFlight[Reply] = AnswersInFlight(engine.epoch)
        self._ready: ReadyAnswers[Reply] = ReadyAnswers(cache, max_bytes=limits.ready_bytes)

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a POST (ASGI)."""
        headers = header_values(scope["headers"], self._read)
        media_type = _chosen_media_type(headers.get(b"accept"))
        correlation_id = new_correlation_id()
        try:
            if media_type is None:
                raise not_acceptable()
            _check_json_content(headers.get(b"content-type"))
            body = await whole_body(receive, headers.get(b"content-length"), self._limits.body)
            authorization = headers.get(b"authorization")
            known = self._callers.known(authorization)
            asker = known or await self._callers.identify(authorization)
            question = (asker.scope, media_type, body)
            reply = await self._answer(question, asker, correlation_id, self._wish(headers))
        except RequestRefused as refused:
            known = self._callers.known(headers.get(b"authorization"))
            reply = self._refusal(refused, media_type, known, correlation_id)
        sent = [*reply.headers, (CORRELATION_HEADER, correlation_id)]
        await send({"type": "http.response.start", "status": reply.status, "headers": sent})
        if reply.delivery is not None:
            await reply.delivery.send(receive, send)
            return
        await send({"type": "http.response.body", "body": reply.body})

    def ready(self, raw_headers: RawHeaders, body: bytes) -> tuple[Reply, bytes] | None:
        """Give the answer to a POST and its correlation id, if that is ready at once, as to `post`.

        None is for everything else: what it is will be found out by `post`.
        """
        headers = header_values(raw_headers, self._read)
        media_type = _chosen_media_type(headers.get(b"accept"))
        asker = self._callers.known(headers.get(b"authorization"))
        if media_type is None or asker is None:
            return None
        reply = self._ready.now((asker.scope, media_type, body))
        if reply is None or ((wish := self._wish(headers)) is not None and wish.trace):
            return None
        try:
            _check_json_content(headers.get(b"content-type"))
            self._check_journal()
        except RequestRefused:
            return None
        correlation_id = new_correlation_id()
        return self._shared("ready", reply, asker, correlation_id), correlation_id

    def _wish(self, headers: Mapping[bytes, str]) -> Wish | None:
        return self._wishes.of(headers) if self._wishes.headers else None

    def _check_journal(self) -> None:
        if self._journal.tells_all:
            self._journal.check()

    async def _answer(
        self, question: Question, asker: Asker, correlation_id: bytes, wish: Wish | None
    ) -> Reply:
        self._check_journal()
        traced = wish is not None and wish.trace  # of itself, not of the one that it shares
        ready = None if traced else await self._ready.get(question)
        if ready is not None:
            return self._shared("ready", ready, asker, correlation_id)
        flight = None if traced else self._in_flight.joined(question)
        if flight is not None:
            with suppress(LeaderGone):
                reply = await asyncio.shield(flight)
                return self._shared("joined", reply, asker, correlation_id)
        if is_array(question[2]):
            return await self._batch(question, asker, correlation_id, wish if traced else None)
        with self._admission:
            return await self._executed(question, self._operation(asker, correlation_id), wish)

    async def _executed(self, question: Question, operation: Operation, wish: Wish | None) -> Reply:
        asked = self._persisted.resolved(request_of_body(question[2]))
        if wish is not None and wish.trace:
            return await self._reply(asked, operation, question[1], Tracer())
        document = self._engine.document(asked)
        if wish is not None and document.in_parts:
            return await self._in_parts(asked, operation, question[1])
        # What a shared answer cost was paid by another request.
        if asked.wants_cost or not document.is_query(asked.operation_name):
            return await self._reply(asked, operation, question[1])
        return await self._in_flight.lead(question, self._lead(question, asked, operation))

    def _shared(self, outcome: str, reply: Reply, asker: Asker, correlation_id: bytes) -> Reply:
        self._telemetry.request(outcome)
        if reply.trail is not None:
            self._journal.tell(outcome, asker, correlation_id.decode(), reply.trail, 0.0)
        return reply

    async def _batch(
        self, question: Question, asker: Asker, correlation_id: bytes, wish: Wish | None
    ) -> Reply:
        scope, media_type, body = question

        async def part(operation: bytes) -> Reply:
            try:
                alone = (scope, media_type, operation)
                return await self._answer(alone, asker, correlation_id, wish)
            except RequestRefused as refused:  # it does not take the others with it
                return self._refusal(refused, media_type, asker, correlation_id)

        operations = operations_of_body(body, self._limits.batch)
        return batch_reply(media_type, await asyncio.gather(*map(part, operations)))

    async def _lead(self, question: Question, asked: GraphQLRequest, operation: Operation) -> Reply:
        reply = await self._reply(asked, operation, question[1])
        if operation.parts and reply.is_complete:
            self._ready.put(question, reply, len(reply.body), operation.parts)
        return reply

    async def get(self, request: Request) -> Response:
        """Answer a GET: a page for a browser, else a query."""
        accept = ", ".join(request.headers.getlist("accept"))
        if self._page is not None and wants_html(accept) and "query" not in request.query_params:
            return self._page.page()
        media_type = media_type_for(accept)
        correlation_id = new_correlation_id()
        authorization = ", ".join(request.headers.getlist("authorization")) or None
        try:
            if media_type is None:
                raise not_acceptable()
            check_same_site(request.headers, self._limits.origins)
            self._journal.check()
            asker = await self._callers.identify(authorization)
            with self._admission:
                operation = self._operation(asker, correlation_id)
                reply = await self._reply(self._queried(request), operation, media_type)
            if reply.is_complete:
                reply = revalidated(reply, request.headers.get("if-none-match"))
        except RequestRefused as refused:
            known = self._callers.known(authorization)
            reply = self._refusal(refused, media_type, known, correlation_id)
        response = Response(reply.body, reply.status)
        response.raw_headers = [*reply.headers, (CORRELATION_HEADER, correlation_id)]
        return response

    def _operation(self, asker: Asker, correlation_id: bytes) -> Operation:
        return Operation(
            asker=asker,
            deadline=asyncio.get_running_loop().time() + self._limits.seconds,
            calls_left=self._limits.upstream_calls,
            correlation_id=correlation_id.decode(),
            trail=Trail() if self._journal.tells_all else None,
        )

    async def _reply(
        self,
        asked: GraphQLRequest,
        operation: Operation,
        media_type: str,
        tracer: Tracer | None = None,
    ) -> Reply:
        answer = await self._engine.run(asked, operation, tracer)
        traced = {} if tracer is None else {"ftv1": tracer.encoded(answer.errors)}
        return self._told(answer, asked, operation, media_type, traced)

    async def _in_parts(
        self, asked: GraphQLRequest, operation: Operation, media_type: str
    ) -> Reply:
        answer = await self._engine.run_in_parts(asked, operation)
        if isinstance(answer, AnswerInParts):
            return self._parts.reply(answer, asked, operation)
        return self._told(answer, asked, operation, media_type, {})

    def _told(
        self,
        answer: Answer,
        asked: GraphQLRequest,
        operation: Operation,
        media_type: str,
        extensions: dict[str, Any],
    ) -> Reply:
        outcome = "complete" if answer.is_complete else "errors"
        self._outcomes.tell(outcome, asked, operation, answer.codes)
        extensions |= self._outcomes.extensions(asked, operation)
        return answer_reply(answer, media_type, extensions, operation.trail)

    def _refusal(
        self,
        refused: RequestRefused,
        media_type: str | None,
        asker: Asker | None,
        correlation_id: bytes,
    ) -> Reply:
        self._outcomes.refuse(refused, asker, correlation_id)
        return refusal(refused, media_type or JSON, correlation_id)

    def _queried(self, request: Request) -> GraphQLRequest:
        asked = self._persisted.resolved(request_of_query(request.query_params))
        document = self._engine.document(asked)
        if document.operation(asked.operation_name) and not document.is_query(asked.operation_name):
            message = "A GET can only query. Send mutations with POST."
            raise RequestRefused(message, 405, RequestCode.METHOD_NOT_ALLOWED)
        return asked
