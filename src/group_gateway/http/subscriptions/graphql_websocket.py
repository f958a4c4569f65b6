"""One WebSocket connection of graphql-transport-ws, from authentication to its close.

Strawberry's own handler of the protocol would bypass the limits, the trusted documents, the shared
responses and the request log that apply to all other requests.
"""

import asyncio
from dataclasses import replace
from typing import Final

from starlette.types import Receive, Send

from group_gateway.concurrency import first_completed
from group_gateway.errors import Unauthenticated
from group_gateway.http.pipeline import RequestPipeline
from group_gateway.http.responses import new_correlation_id
from group_gateway.http.subscriptions.messages import (
    ACK,
    PONG,
    Close,
    Complete,
    ConnectionInit,
    Gone,
    Message,
    Ping,
    Subscribe,
    read,
)
from group_gateway.http.subscriptions.open_subscriptions import (
    NOT_ACCEPTED,
    ClientSession,
    Subscriptions,
)
from group_gateway.http.subscriptions.socket_operations import Operations
from group_gateway.http.subscriptions.subscription_limit import SubscriptionLimit
from group_gateway.operation import Anonymous

INIT_SECONDS: Final = 10.0
"""Seconds in which a client must have authenticated."""
TRY_AGAIN: Final = 1013
"""Close code on which graphql-ws makes further attempts. A refused handshake ends all of them."""


class GraphQLWebSocket:
    """One connection. `callers` limits the connections of each authenticated caller."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        pipeline: RequestPipeline,
        callers: SubscriptionLimit,
        receive: Receive,
        send: Send,
    ) -> None:
        self._subscriptions = subscriptions
        self._pipeline = pipeline
        self._callers = callers
        self._receive = receive
        self._send = send

    async def hold(self, authorization: str | None) -> None:
        """Serve the connection until the client leaves or the process ends.

        Raises Close for other ends, and RequestRefused if the caller has too many connections.
        `authorization` is that of the handshake request. It takes precedence over the client's
        `connectionParams`, because a proxy may have set it.
        """
        try:
            introduced = self._introduced(authorization)
            session = await first_completed(introduced, self._ending(), until=None)
            if session is None:
                return
            with self._callers.take(session.principal.scope):
                # Only now: clients count their attempts anew once they are acknowledged.
                await self._send_text(ACK)
                await self._answer_all(session)
        except Gone:
            return

    async def _ending(self) -> None:
        await self._subscriptions.ending.wait()

    async def _introduced(self, authorization: str | None) -> ClientSession:
        """Authenticate the client within INIT_SECONDS."""
        try:
            async with asyncio.timeout(INIT_SECONDS):
                init = await self._init()
                authorization = authorization or init.authorization()
                principal = await self._subscriptions.authenticate(authorization)
        except TimeoutError:
            raise Close(4408, "Connection initialisation timeout") from None
        if isinstance(principal, Anonymous):
            if principal.kind is Unauthenticated:
                raise Close(4403, f"Forbidden: {principal.message}")
            raise Close(TRY_AGAIN, principal.message)
        return ClientSession(principal, authorization, b"")

    async def _init(self) -> ConnectionInit:
        while not isinstance(message := await self._next_message(), ConnectionInit):
            if isinstance(message, Subscribe):
                raise Close(4401, "Unauthorized")
            await self._be_polite(message)
        return message

    async def _answer_all(self, session: ClientSession) -> None:
        operations = Operations(self._subscriptions, self._pipeline, self._send_text)
        try:
            reason = await self._end_of(session, operations)
            await operations.settle()
            if reason:
                raise Close(4403, f"Forbidden: {reason}")
        finally:
            await operations.abandon()

    async def _end_of(self, session: ClientSession, operations: Operations) -> str:
        """Read messages until the connection ends; return the reason if its token was refused.

        Clients that are closed with 4403 reconnect with new `connectionParams`.
        """
        works = (
            self._listen(session, operations),
            self._ending(),
            operations.token_refused.wait(),
            self._subscriptions.until_refused(session),
        )
        try:
            await first_completed(*works, until=session.until)
        except TimeoutError:
            return "The token has expired."
        return "" if self._subscriptions.ending.is_set() else NOT_ACCEPTED

    async def _listen(self, session: ClientSession, operations: Operations) -> None:
        while True:
            match await self._next_message():
                case ConnectionInit():
                    raise Close(4429, "Too many initialisation requests")
                case Subscribe(id=id, payload=payload):
                    asking = replace(session, correlation_id=new_correlation_id())
                    await operations.begin(id, bytes(payload), asking)
                case Complete(id=id):
                    operations.complete(id)
                case other:
                    await self._be_polite(other)
            await asyncio.sleep(0)  # many messages may be buffered: yield to others

    async def _be_polite(self, message: Message) -> None:
        if isinstance(message, Ping):
            await self._send_text(PONG)

    async def _next_message(self) -> Message:
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            raise Gone
        return read(event.get("bytes") or event.get("text") or b"")

    async def _send_text(self, message: bytes) -> None:
        try:
            await self._send({"type": "websocket.send", "text": message.decode()})
        except OSError:
            raise Gone from None
