"""Documents that clients send by name instead of by text.

By a hash that clients and gateway agree on as they go (Apollo's automatic persisted queries), or by
an id from a list of trusted documents; the latter can be all that is executed.
"""

import hashlib
from collections import OrderedDict
from http import HTTPStatus
from typing import Final, Literal

from msgspec.structs import replace

from group_gateway.errors import RequestCode
from group_gateway.execution.document_limits import LONGEST_DOCUMENT
from group_gateway.execution.engine import GraphQLRequest
from group_gateway.http.persisted.trusted_documents import TrustedDocuments
from group_gateway.http.requests import RequestRefused
from group_gateway.observability.telemetry import Telemetry

TrustMode = Literal["off", "log", "enforce"]
_OVERHEAD: Final = 300
"""Bytes that an entry takes beside its text, its hash included."""


class PersistedDocuments:
    """Gives requests their documents.

    With `automatic` documents are learned by their SHA-256, at most `max_bytes` of them. `trusted`
    are always known by their ids; in mode `enforce` no other document is executed, and in mode
    `log` others are only counted.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        *,
        automatic: bool = True,
        trusted: TrustedDocuments | None = None,
        mode: TrustMode = "off",
        max_bytes: int = 8 * 1024 * 1024,
    ) -> None:
        self._telemetry = telemetry
        self._trusted = trusted if mode != "off" else None
        self._enforced = mode == "enforce" and trusted is not None
        self._automatic = automatic and not self._enforced
        self._learned = _Learned(max_bytes)

    def generation(self) -> int:
        """Return a number that another list of trusted documents changes."""
        return 0 if self._trusted is None else self._trusted.lists()

    def resolved(self, asked: GraphQLRequest) -> GraphQLRequest:
        """Return the request with its document; raises RequestRefused."""
        if asked.document_id is not None:
            asked = self._known(asked, asked.document_id)
        if self._trusted is not None and asked.query not in self._trusted:
            self._telemetry.trusted_documents("refused" if self._enforced else "unlisted")
            if self._enforced:
                message = "The document is not one of those that are trusted here."
                raise RequestRefused(message, HTTPStatus.FORBIDDEN, RequestCode.UNTRUSTED_DOCUMENT)
        return asked

    def _known(self, asked: GraphQLRequest, id: str) -> GraphQLRequest:
        trusted = self._trusted.text(id) if self._trusted is not None else None
        if trusted is not None:
            if asked.query not in {"", trusted}:
                raise _mismatch()
            return replace(asked, query=trusted)
        if not self._automatic:
            if asked.query:
                return asked
            raise _unknown() if self._trusted is not None else _not_supported()
        if asked.query:
            self._learn(id, asked.query)
            return asked
        learned = self._learned.get(id)
        if learned is None:
            raise _unknown()
        return replace(asked, query=learned)

    def _learn(self, id: str, text: str) -> None:
        if hashlib.sha256(text.encode()).hexdigest() != id.lower():
            raise _mismatch()
        if len(text) <= LONGEST_DOCUMENT:  # none is executed that is longer
            self._learned.keep(id, text)


class _Learned:
    """Texts by their hash; the least recently used are dropped first."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._texts: OrderedDict[str, str] = OrderedDict()

    def get(self, id: str) -> str | None:
        text = self._texts.get(id)
        if text is not None:
            self._texts.move_to_end(id)
        return text

    def keep(self, id: str, text: str) -> None:
        if id in self._texts:
            return
        self._texts[id] = text
        self._bytes += _size(text)
        while self._bytes > self._max_bytes:
            _, dropped = self._texts.popitem(last=False)
            self._bytes -= _size(dropped)


def _size(text: str) -> int:
    return _OVERHEAD + 4 * len(text)  # as many bytes as the widest characters take


def _mismatch() -> RequestRefused:
    message = "The query is not the document of that hash or id."
    return RequestRefused(message, 400, RequestCode.PERSISTED_QUERY_HASH_MISMATCH)


def _unknown() -> RequestRefused:
    """Return the refusal upon which clients send the text along, in the words that they look for.

    The status is 200, as from Apollo's servers: older clients take any other for a network failure.
    """
    code = RequestCode.PERSISTED_QUERY_NOT_FOUND
    return RequestRefused("PersistedQueryNotFound", HTTPStatus.OK, code)


def _not_supported() -> RequestRefused:
    code = RequestCode.PERSISTED_QUERY_NOT_SUPPORTED
    return RequestRefused("PersistedQueryNotSupported", HTTPStatus.OK, code)
