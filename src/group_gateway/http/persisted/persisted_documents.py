"""Documents that clients send by an id instead of their text.

The id is a hash under which the gateway has stored the text before (Apollo's automatic persisted
queries), or an id from a list of trusted documents. The settings can restrict execution to trusted
documents.
"""

import hashlib
from http import HTTPStatus
from typing import Final, Literal

from msgspec.structs import replace

from group_gateway.bounded_lru import BoundedLRU
from group_gateway.errors import RequestCode
from group_gateway.events import Events
from group_gateway.execution.document_limits import LONGEST_DOCUMENT
from group_gateway.execution.graphql_request import GraphQLRequest
from group_gateway.http.persisted.trusted_documents import TrustedDocuments
from group_gateway.http.requests import RequestRefused

TrustMode = Literal["off", "log", "enforce"]
_OVERHEAD: Final = 300
"""Bytes that an entry takes beside its text, its hash included."""


class PersistedDocuments:
    """Resolve the documents of requests.

    With `automatic`, documents are stored by their SHA-256, at most `max_bytes` of them. `trusted`
    documents are always known by their ids. Mode `enforce` refuses all other documents; mode `log`
    only counts them.
    """

    def __init__(
        self,
        events: Events,
        *,
        automatic: bool = True,
        trusted: TrustedDocuments | None = None,
        mode: TrustMode = "off",
        max_bytes: int = 8 * 1024 * 1024,
    ) -> None:
        self._events = events
        self._trusted = trusted if mode != "off" else None
        self._enforced = mode == "enforce" and trusted is not None
        self._automatic = automatic and not self._enforced
        self._learned: BoundedLRU[str, str] = BoundedLRU(max_bytes=max_bytes)

    def generation(self) -> int:
        """Return a number that changes with each reload of the trusted documents."""
        return 0 if self._trusted is None else self._trusted.lists()

    def resolved(self, request: GraphQLRequest) -> GraphQLRequest:
        """Return the request with its document's text; raise RequestRefused."""
        if request.document_id is not None:
            request = self._known(request, request.document_id)
        if self._trusted is not None and request.query not in self._trusted:
            self._events.trusted_documents("refused" if self._enforced else "unlisted")
            if self._enforced:
                message = "The document is not one of those that are trusted here."
                raise RequestRefused(message, HTTPStatus.FORBIDDEN, RequestCode.UNTRUSTED_DOCUMENT)
        return request

    def _known(self, request: GraphQLRequest, id: str) -> GraphQLRequest:
        trusted = self._trusted.text(id) if self._trusted is not None else None
        if trusted is not None:
            if request.query not in {"", trusted}:
                raise _mismatch()
            return replace(request, query=trusted)
        if not self._automatic:
            if request.query:
                return request
            raise _unknown() if self._trusted is not None else _not_supported()
        if request.query:
            self._learn(id, request.query)
            return request
        learned = self._learned.get(id)
        if learned is None:
            raise _unknown()
        return replace(request, query=learned)

    def _learn(self, id: str, text: str) -> None:
        if hashlib.sha256(text.encode()).hexdigest() != id.lower():
            raise _mismatch()
        if len(text) <= LONGEST_DOCUMENT:  # longer documents are not executed
            self._learned.put(id, text, _size(text))


def _size(text: str) -> int:
    return _OVERHEAD + 4 * len(text)  # as many bytes as the widest characters take


def _mismatch() -> RequestRefused:
    message = "The query is not the document of that hash or id."
    return RequestRefused(message, 400, RequestCode.PERSISTED_QUERY_HASH_MISMATCH)


def _unknown() -> RequestRefused:
    """Return the refusal upon which clients send the text, in the words that they expect.

    The status is 200, as from Apollo's servers: older clients treat any other as a network failure.
    """
    code = RequestCode.PERSISTED_QUERY_NOT_FOUND
    return RequestRefused("PersistedQueryNotFound", HTTPStatus.OK, code)


def _not_supported() -> RequestRefused:
    code = RequestCode.PERSISTED_QUERY_NOT_SUPPORTED
    return RequestRefused("PersistedQueryNotSupported", HTTPStatus.OK, code)
