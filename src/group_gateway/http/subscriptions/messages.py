"""The messages of the GraphQL over WebSocket Protocol (graphql-ws, PROTOCOL.md). Pure.

Its subprotocol is `graphql-transport-ws`. The older subprotocol `graphql-ws` is not supported.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import msgspec

SUBPROTOCOL: Final = "graphql-transport-ws"
_LONGEST_ID = 128
_LONGEST_REASON = 123  # RFC 6455, section 5.5


class Close(Exception):
    """The connection must be closed, with a code of the protocol or of RFC 6455."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_LONGEST_REASON].decode(errors="ignore")


class Gone(Exception):
    """The client has closed or lost the connection."""


class _Message(msgspec.Struct, frozen=True, tag_field="type"):
    """A message of a client. Members that the protocol does not define are ignored."""


class ConnectionInit(_Message, frozen=True, tag="connection_init"):
    """The first message, with the client's credentials."""

    payload: dict[str, Any] | None = None

    def authorization(self) -> str | None:
        """Return the Authorization in the payload, at its top or among `headers`."""
        payload = self.payload or {}
        headers = _member(payload, "headers")
        found = _member(payload, "authorization")
        if found is None and isinstance(headers, dict):
            found = _member(headers, "authorization")
        return found if isinstance(found, str) else None


class Ping(_Message, frozen=True, tag="ping"):
    """A request for a pong."""


class Pong(_Message, frozen=True, tag="pong"):
    """The response to a ping."""


class Subscribe(_Message, frozen=True, tag="subscribe"):
    """An operation of any kind; `payload` is a GraphQL request."""

    id: str
    payload: msgspec.Raw


class Complete(_Message, frozen=True, tag="complete"):
    """The client wants no more results of an operation."""

    id: str


Message: TypeAlias = ConnectionInit | Ping | Pong | Subscribe | Complete

ACK: Final = b'{"type":"connection_ack"}'
PONG: Final = b'{"type":"pong"}'
_decode = msgspec.json.Decoder(Message).decode
_encode = msgspec.json.Encoder().encode


def read(text: str | bytes) -> Message:
    """Parse a message; raise Close (4400)."""
    try:
        message: Message = _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Close(4400, "Invalid message received") from None
    if isinstance(message, Subscribe) and not (
        0 < len(message.id) <= _LONGEST_ID and bytes(message.payload).startswith(b"{")
    ):
        raise Close(4400, "Invalid message received")
    return message


def next_of(id: str, answer: bytes) -> bytes:
    """Return the message with an encoded result."""
    return b'{"id":%b,"type":"next","payload":%b}' % (_encode(id), answer)


def error_of(id: str, answer: bytes) -> bytes:
    """Return the message with the errors of an encoded result. It ends the operation."""
    errors = msgspec.json.decode(answer)["errors"]
    return _encode({"id": id, "type": "error", "payload": errors})


def complete_of(id: str) -> bytes:
    """Return the message that an operation has ended."""
    return b'{"id":%b,"type":"complete"}' % _encode(id)


def _member(members: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in members.items() if key.lower() == name), None)
