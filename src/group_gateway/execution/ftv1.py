"""Apollo's trace format: the part of its `Trace` message that a subgraph fills. Pure.

Written by hand: it needs two kinds of protobuf's fields, less than a library's generated module.
The tests parse it with Apollo's own definition (`reports.proto` of npm
`@apollo/usage-reporting-protobuf`), whose field numbers these are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

_SECOND = 1_000_000_000
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Node:
    """A field of the response, or an item of a list.

    Times are nanoseconds since the trace started.
    """

    key: str | int = ""
    name: str = ""
    type: str = ""
    parent_type: str = ""
    start: int = 0
    end: int = 0
    errors: list[bytes] = field(default_factory=list)
    children: dict[str | int, "Node"] = field(default_factory=dict)

    def at(self, path: Iterable[str | int]) -> "Node":
        """Return the node at a path below this one; create the missing ones on the way."""
        node = self
        for key in path:
            below = node.children.get(key)
            if below is None:
                below = node.children[key] = Node(key)
            node = below
        return node

    def message(self) -> bytes:
        """Encode it with all below it (`Trace.Node`)."""
        if isinstance(self.key, int):
            id = _number(2, self.key)
        else:
            id = _text(1, self.key) if self.key else b""
        if self.name:
            renamed = _text(14, self.name) if self.name != self.key else b""
            id += renamed + _text(3, self.type) + _text(13, self.parent_type)
            id += _number(8, self.start) + _number(9, self.end)
        below = (_bytes(12, child.message()) for child in self.children.values())
        return b"".join((id, *self.errors, *below))


def error_message(error: Mapping[str, Any]) -> bytes:
    """Encode an error of the response for its node (`Trace.Error`).

    Of its extensions only the code is included, because traces are sent to a third party.
    """
    shown = {"message": error["message"], "extensions": {"code": error["extensions"]["code"]}}
    places = [
        _bytes(2, _number(1, place["line"]) + _number(2, place["column"]))
        for place in error.get("locations", ())
    ]
    message = b"".join((_text(1, error["message"]), *places, _bytes(4, _encode(shown))))
    return _bytes(11, message)


def trace_message(began: int, duration: int, root: Node, *, is_incomplete: bool) -> bytes:
    """Encode a trace (`Trace`): `began` is in nanoseconds since the epoch."""
    message = _bytes(4, _timestamp(began)) + _bytes(3, _timestamp(began + duration))
    message += _number(11, duration) + _bytes(14, root.message())
    return message + _number(33, 1) if is_incomplete else message


def _timestamp(time: int) -> bytes:
    return _number(1, time // _SECOND) + _number(2, time % _SECOND)


def _text(tag: int, text: str) -> bytes:
    return _bytes(tag, text.encode())


def _bytes(tag: int, value: bytes) -> bytes:
    return _varint(tag << 3 | 2) + _varint(len(value)) + value


def _number(tag: int, value: int) -> bytes:
    return _varint(tag << 3) + _varint(value)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
