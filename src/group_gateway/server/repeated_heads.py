"""Heads of requests that clients send again and again, byte for byte.

A client that sends many requests repeats their head. The parser finds the same in the same bytes,
and each check of a head comes out the same. So a request with a known head needs neither, if its
whole body is there.
"""

from typing import Final, NamedTuple

from group_gateway.bounded_lru import BoundedLRU
from group_gateway.http.endpoint import RawHeaders
from group_gateway.http.gateway_app import ENDPOINT_PATH
from group_gateway.http.post_head import PostHead

_FIRST: Final = b"POST %b HTTP/1.1\r\n" % ENDPOINT_PATH.encode()
_END: Final = b"\r\n\r\n"
_LONGEST: Final = 8 * 1024
"""Bytes of a head that is kept."""
_MOST_BYTES: Final = 4 * 1024 * 1024
_PER_HEAD: Final = 1500
_PER_BYTE: Final = 5
"""Bytes of memory that an entry takes, with those per byte of its head: at most (measured)."""


class RepeatedHead(NamedTuple):
    """The headers of a head, what they mean, and the bytes of the body that they announce."""

    headers: RawHeaders
    meaning: PostHead
    length: int


class RepeatedHeads:
    """The heads that a server's connections have sent last: about a thousand."""

    def __init__(self) -> None:
        self._heads: BoundedLRU[bytes, RepeatedHead] = BoundedLRU(max_bytes=_MOST_BYTES)

    def find(self, data: bytes) -> tuple[RepeatedHead, bytes] | None:
        """Split input, which begins with a request, into a known head and its body.

        Return None if the head is not known, or if `data` is not exactly one request.
        """
        start = data.find(_END, 0, _LONGEST) + len(_END)
        head = self._heads.get(data[:start])
        if head is None or len(data) - start != head.length:
            return None
        return head, data[start:]

    def keep(self, data: bytes, head: RepeatedHead) -> None:
        """Keep the head of a request that ended in `data`, if that is its head and its body.

        `data` must begin with a request. With chunks, or with a further request, it is longer.
        """
        start = data.find(_END, 0, _LONGEST) + len(_END)
        if head.length and len(data) - start == head.length and data.startswith(_FIRST):
            self._heads.put(data[:start], head, _PER_HEAD + _PER_BYTE * start)
