"""The operations of one WebSocket, each in its own task."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import aclosing, suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from group_gateway.concurrency import BackgroundTasks, cancel_all
from group_gateway.errors import GatewayError, RequestCode, Unauthenticated
from group_gateway.execution.graphql_request import GraphQLRequest
from group_gateway.http.negotiation import GRAPHQL_RESPONSE
from group_gateway.http.pipeline import RequestPipeline, SubscriptionRequested
from group_gateway.http.requests import RequestRefused
from group_gateway.http.subscriptions.messages import Close, Gone, complete_of, error_of, next_of
from group_gateway.http.subscriptions.open_subscriptions import ClientSession, Subscriptions

MOST_AT_ONCE: Final = 100
"""Operations in flight on one connection, those being cancelled included."""
ANSWERED_AT_ONCE: Final = 10
"""Queries and mutations in execution or with results not yet sent. Others wait."""
_log = logging.getLogger(__name__)


class Operations:
    """Start operations, send their results, and end them."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        pipeline: RequestPipeline,
        send: Callable[[bytes], Awaitable[None]],
    ) -> None:
        self._subscriptions = subscriptions
        self._pipeline = pipeline
        self._send = send
        self._by_id: dict[str, asyncio.Task[None]] = {}
        self._tasks = BackgroundTasks()
        self._endless: set[asyncio.Task[Any]] = set()
        self.token_refused = asyncio.Event()
        """Set once an operation was refused for its token: the client must bring another one."""
        self._was_accepted = False
        self._slots = asyncio.Semaphore(ANSWERED_AT_ONCE)

    async def begin(self, id: str, payload: bytes, session: ClientSession) -> None:
        """Start an operation; raise Close if one with this id is in flight."""
        if id in self._by_id:
            raise Close(4409, f"Subscriber for {id} already exists")
        if len(self._tasks) >= MOST_AT_ONCE:
            message = f"A connection has at most {MOST_AT_ONCE} operations at once."
            code = RequestCode.TOO_MANY_SUBSCRIPTIONS
            refused = RequestRefused(message, HTTPStatus.TOO_MANY_REQUESTS, code)
            await self._refuse(id, refused, session)
            return
        task = self._by_id[id] = self._tasks.spawn(self._run(id, payload, session))
        task.add_done_callback(self._endless.discard)

    def complete(self, id: str) -> None:
        """Cancel an operation, if it is in flight. Its id is free at once."""
        task = self._by_id.pop(id, None)
        if task is not None:
            task.cancel()

    async def settle(self) -> None:
        """End the subscriptions, and wait for queries and mutations."""
        await cancel_all(self._endless)
        await self._tasks.join()

    async def abandon(self) -> None:
        """Cancel everything. Mutations that have started go on."""
        await self._tasks.cancel()

    async def _run(self, id: str, payload: bytes, session: ClientSession) -> None:
        with suppress(Gone):
            refused = await self._refusal(id, payload, session)
            if refused is not None:
                self._forget(id)
                await self._refuse(id, refused, session)

    async def _refusal(
        self, id: str, payload: bytes, session: ClientSession
    ) -> RequestRefused | None:
        """Run an operation to its end; return the refusal if it was not executed."""
        try:
            async with self._slots:
                wanted = await self._answer(id, payload, session)
            if wanted is not None:
                await self._subscribe(id, wanted, session)
        except Gone:
            raise
        except RequestRefused as refused:
            return refused
        except Exception:  # noqa: BLE001 - whoever asked is told, and the others go on
            _log.exception("An operation failed unexpectedly.")
            message = "Something went wrong inside the gateway."
            return RequestRefused(message, 500, GatewayError.code)
        return None

    async def _answer(
        self, id: str, payload: bytes, session: ClientSession
    ) -> GraphQLRequest | None:
        """Execute a query or mutation; return what must be streamed instead, if anything."""
        principal = await self._subscriptions.authenticate(session.authorization)
        key = (principal.scope, GRAPHQL_RESPONSE, payload)
        context = replace(session, principal=principal).context
        reply = await self._pipeline.answer(key, context)
        if isinstance(reply, SubscriptionRequested):
            return reply.request
        self._forget(id)
        if reply.status == HTTPStatus.OK:
            await self._send(next_of(id, reply.body))
            await self._send(complete_of(id))
        else:
            await self._send(error_of(id, reply.body))
        self._judge(reply.codes)
        return None

    def _judge(self, codes: Collection[str]) -> bool:
        """Return whether a result shows that the token is refused, and record that."""
        if Unauthenticated.code in codes:
            self.token_refused.set()
            return True
        self._was_accepted = True
        return False

    async def _subscribe(self, id: str, request: GraphQLRequest, session: ClientSession) -> None:
        if self._subscriptions.ending.is_set():  # it was queued until too late
            return
        self._endless.update(filter(None, [asyncio.current_task()]))
        last = complete_of(id)
        with self._subscriptions.limit.take(session.principal.scope):
            async with aclosing(self._subscriptions.answers(request, session)) as answers:
                async for answer in answers:
                    refused = self._judge(answer.codes)
                    if answer.executed:
                        await self._send(next_of(id, answer.body()))
                    elif refused and (self._was_accepted or answer.was_accepted):
                        return  # the client subscribes again, with another token
                    else:
                        last = error_of(id, answer.body())
        self._forget(id)
        await self._send(last)

    async def _refuse(self, id: str, refused: RequestRefused, session: ClientSession) -> None:
        reply = self._pipeline.refusal(refused, GRAPHQL_RESPONSE, session.context)
        await self._send(error_of(id, reply.body))

    def _forget(self, id: str) -> None:
        """Free the id before the client receives the end of the operation."""
        if self._by_id.get(id) is asyncio.current_task():
            del self._by_id[id]
