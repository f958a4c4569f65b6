"""GraphQL over HTTP: media types and the parts of a request. Pure."""

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from group_gateway.errors import RequestCode
from group_gateway.execution.engine import GraphQLRequest
from group_gateway.http.persisted.manifest import bare_id

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
PARTS = "multipart/mixed"
_LONGEST_ID = 256
_BLANK = b" \t\r\n"
_QUALITY = re.compile(r"(0(\.\d{0,3})?|1(\.0{0,3})?)", re.ASCII)  # RFC 9110, section 12.4.2


class RequestRefused(Exception):
    """The HTTP request is not taken; `status` is the answer's, `retry_after` is in seconds."""

    def __init__(
        self,
        message: str,
        status: int = 400,
        code: str = RequestCode.BAD_REQUEST,
        *,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.retry_after = retry_after


def media_type_for(accept: str | None) -> str | None:
    """Choose the media type of the answer; None when the client takes neither (RFC 9110, 12.5.1).

    The one of higher quality, else the one named first. A client that says nothing, or that
    anything goes, gets `application/json`, as older clients expect.
    """
    if not accept:
        return JSON
    ranges = _ranges(accept)
    weights = {offer: _weight(offer, ranges) for offer in (JSON, GRAPHQL_RESPONSE)}
    best = max(weights, key=weights.__getitem__)
    return best if weights[best].quality > 0 else None


def wants_html(accept: str | None) -> bool:
    """Tell whether a browser asks for a page: it names HTML, before any form of JSON."""
    ranges = _ranges(accept or "")
    html = _weight("text/html", [r for r in ranges if r.type == "text/html"])
    return html.quality > 0 and html > max(_weight(JSON, ranges), _weight(GRAPHQL_RESPONSE, ranges))


def takes_parts(accept: str | None) -> bool:
    """Tell whether a client names `multipart/mixed` as what it takes.

    One that asks for another form of parts than ours, such as Apollo's `deferSpec=20220824`, or
    for subscriptions, does not.
    """
    for part in (accept or "").split(","):
        media_type, *parameters = [piece.strip().lower() for piece in part.split(";")]
        if media_type != PARTS:
            continue
        named = dict(parameter.partition("=")[::2] for parameter in parameters)
        quality = named.get("q", "1")
        foreign = named.keys() & {"deferspec", "subscriptionspec"}
        version = named.get("incrementalspec", "v0.2")
        if not foreign and version == "v0.2" and _QUALITY.fullmatch(quality) and float(quality) > 0:
            return True
    return False


def takes(accept: str, media_type: str) -> bool:
    """Tell whether a client names this very media type among those it takes."""
    return any(r.type == media_type and r.weight.quality > 0 for r in _ranges(accept))


class _Weight(NamedTuple):
    """How much a client wants a media type; `order` is higher for what it named earlier."""

    quality: float
    order: int


_UNWANTED = _Weight(0, 0)


@dataclass(frozen=True, slots=True)
class _MediaRange:
    type: str
    weight: _Weight


def _weight(offer: str, ranges: list[_MediaRange]) -> _Weight:
    """Weigh a media type by the most specific range that it falls into."""
    for pattern in (offer, f"{offer.partition('/')[0]}/*", "*/*"):
        weights = [entry.weight for entry in ranges if entry.type == pattern]
        if weights:
            return max(weights)
    return _UNWANTED


def _ranges(accept: str) -> list[_MediaRange]:
    """Take an Accept header apart; what is no media range is left out."""
    ranges = []
    for position, part in enumerate(accept.split(",")):
        media_type, *parameters = [piece.strip().lower() for piece in part.split(";")]
        quality = next((p[2:].strip() for p in parameters if p.startswith("q=")), "1")
        if _QUALITY.fullmatch(quality):
            ranges.append(_MediaRange(media_type, _Weight(float(quality), -position)))
    return ranges


def check_json_content(content_type: str | None) -> None:
    """Check the content type of a POST; raises RequestRefused.

    It must be JSON, which no plain HTML form can send: that keeps other sites' pages from
    posting in a user's name.
    """
    media_type, *parameters = [part.strip().lower() for part in (content_type or "").split(";")]
    charsets = [p[8:].strip('"') for p in parameters if p.startswith("charset=")]
    if media_type != JSON or any(charset not in {"utf-8", "utf8"} for charset in charsets):
        message = "Send a POST with content type application/json, in UTF-8."
        raise RequestRefused(message, 415, RequestCode.UNSUPPORTED_MEDIA_TYPE)


def header_values(
    headers: Iterable[tuple[bytes, bytes]], names: Container[bytes]
) -> dict[bytes, str]:
    """Give the values of these headers; those of one name as one list (RFC 9110, section 5.3)."""
    found = [(name, value.decode("latin-1")) for name, value in headers if name in names]
    values = dict(found)
    if len(values) < len(found):
        for name in values:
            values[name] = ", ".join(value for other, value in found if other == name)
    return values


def is_array(body: bytes) -> bool:
    """Tell whether a body is a JSON array, if it is JSON."""
    return body.lstrip(_BLANK)[:1] == b"["


def operations_of_body(body: bytes, most: int) -> list[bytes]:
    """Take an array of operations apart; raises RequestRefused for more than `most`."""
    if not most:
        message = "Arrays of operations are not taken. Send each operation by itself."
        raise RequestRefused(message, 400, RequestCode.BATCHING_DISABLED)
    operations = [bytes(part) for part in _decoded(body, list[msgspec.Raw])]
    if not operations or any(map(is_array, operations)):
        raise RequestRefused("The body is not an array of JSON objects.")
    if len(operations) > most:
        message = f"The array holds {len(operations)} operations; the limit is {most}."
        raise RequestRefused(message, 400, RequestCode.BATCH_TOO_LARGE)
    return operations


def request_of_body(body: bytes) -> GraphQLRequest:
    """Read the body of a POST; raises RequestRefused."""
    parts = _decoded(body, Any)
    if not isinstance(parts, dict):
        raise RequestRefused("The body is not a JSON object.")
    return request_of(parts)


def _decoded(body: bytes, type: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise RequestRefused("The body is not JSON.") from None
    except RecursionError:
        message = "The body is nested too deeply."
        raise RequestRefused(message, 400, RequestCode.BODY_TOO_DEEP) from None


def request_of_query(parameters: Mapping[str, str]) -> GraphQLRequest:
    """Read the parameters of a GET, where empty ones count as left out; raises RequestRefused."""
    parts: dict[str, Any] = {name: value for name, value in parameters.items() if value}
    for name in ("variables", "extensions"):
        if name in parts:
            try:
                parts[name] = msgspec.json.decode(parts[name])
            except (msgspec.DecodeError, RecursionError):
                raise RequestRefused(f"`{name}` is not JSON.") from None
    return request_of(parts)


def request_of(parts: Mapping[str, Any]) -> GraphQLRequest:
    """Check the parts of a request for their types; raises RequestRefused."""
    query, name = parts.get("query"), parts.get("operationName")
    variables, extensions = parts.get("variables"), parts.get("extensions")
    if extensions is not None and not isinstance(extensions, dict):
        raise RequestRefused("`extensions` is not an object.")
    document_id = _document_id(parts.get("documentId"), extensions or {})
    if not isinstance(query or "", str) or not (query or document_id):
        raise RequestRefused("`query` is missing, or is not a string.")
    if name is not None and not isinstance(name, str):
        raise RequestRefused("`operationName` is not a string.")
    if variables is not None and not isinstance(variables, dict):
        raise RequestRefused("`variables` is not an object.")
    wants_cost = extensions is not None and extensions.get("cost") is True
    return GraphQLRequest(query or "", name or None, variables, wants_cost, document_id)


def _document_id(id: object, extensions: Mapping[str, Any]) -> str | None:
    """Give the name of the document: `documentId`, or Apollo's `extensions.persistedQuery`."""
    persisted = extensions.get("persistedQuery")
    if id is None and isinstance(persisted, dict):
        id = persisted.get("sha256Hash")
        if persisted.get("version") != 1:
            raise RequestRefused("`extensions.persistedQuery` is not of version 1.")
    if id is None:
        return None
    if not isinstance(id, str) or not 0 < len(id) <= _LONGEST_ID:
        raise RequestRefused("The id of the document is not a string of a usual length.")
    return bare_id(id)
