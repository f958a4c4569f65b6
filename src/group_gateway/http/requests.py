"""The parameters of a GraphQL over HTTP request. Pure."""

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

import msgspec

from group_gateway.errors import RequestCode
from group_gateway.execution.graphql_request import GraphQLRequest
from group_gateway.fhir.decimals import decimal_or_float
from group_gateway.http.negotiation import JSON
from group_gateway.http.persisted.manifest import bare_id

_LONGEST_ID = 256
_decode = msgspec.json.Decoder(float_hook=decimal_or_float).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_BLANK = b" \t\r\n"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""The byte order mark, with which some programs begin a text (RFC 8259, section 8.1)."""
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


class RequestRefused(Exception):
    """The HTTP request is refused, with this `status`. `retry_after` is in seconds."""

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
        self.headers: tuple[tuple[bytes, bytes], ...] = ()
        """Further headers of the response."""


def check_json_content(content_type: str | None) -> None:
    """Check the content type of a POST; raise RequestRefused.

    It must be JSON, which no plain HTML form can send. That keeps other sites' pages from posting
    in a user's name.
    """
    if utf8_media_type(content_type or "") != JSON:
        message = "Send a POST with content type application/json, in UTF-8."
        raise RequestRefused(message, 415, RequestCode.UNSUPPORTED_MEDIA_TYPE)


def utf8_media_type(content_type: str) -> str | None:
    """Return the media type in lower case; None when the charset is not UTF-8 or a part of it."""
    media_type, *parameters = [part.strip().lower() for part in content_type.split(";")]
    charsets = [p[8:].strip('"') for p in parameters if p.startswith("charset=")]
    return media_type if _CHARSETS.issuperset(charsets) else None


def header_values(
    headers: Iterable[tuple[bytes, bytes]], names: Container[bytes]
) -> dict[bytes, str]:
    """Return the values of these headers; repeated ones as one list (RFC 9110, section 5.3)."""
    found = [(name, value.decode("latin-1")) for name, value in headers if name in names]
    values = dict(found)
    if len(values) < len(found):
        for name in values:
            values[name] = ", ".join(value for other, value in found if other == name)
    return values


def is_array(body: bytes) -> bool:
    """Return whether a body, if it is JSON, is an array."""
    return body.removeprefix(BYTE_ORDER_MARK).lstrip(_BLANK)[:1] == b"["


def operations_of_body(body: bytes, most: int) -> list[bytes]:
    """Split an array of operations; raise RequestRefused for more than `most`."""
    if not most:
        message = "Arrays of operations are not taken. Send each operation by itself."
        raise RequestRefused(message, 400, RequestCode.BATCHING_DISABLED)
    operations = [bytes(part) for part in decoded_json(body, "The body", _decode_array)]
    if not operations or any(map(is_array, operations)):
        raise RequestRefused("The body is not an array of JSON objects.")
    if len(operations) > most:
        message = f"The array holds {len(operations)} operations; the limit is {most}."
        raise RequestRefused(message, 400, RequestCode.BATCH_TOO_LARGE)
    return operations


def request_of_body(body: bytes) -> GraphQLRequest:
    """Parse the body of a POST; raise RequestRefused."""
    parts = decoded_json(body, "The body", _decode)
    if not isinstance(parts, dict):
        raise RequestRefused("The body is not a JSON object.")
    return request_of(parts)


def decoded_json(text: bytes, what: str, decode: Callable[[bytes], Any]) -> Any:
    """Decode a part of a request, named `what` in errors; raise RequestRefused."""
    try:
        return decode(text.removeprefix(BYTE_ORDER_MARK))
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError):
        raise RequestRefused(f"{what} is not JSON.") from None
    except RecursionError:
        message = f"{what} is nested too deeply."
        raise RequestRefused(message, 400, RequestCode.BODY_TOO_DEEP) from None


def request_of_query(parameters: Mapping[str, str]) -> GraphQLRequest:
    """Parse the parameters of a GET; raise RequestRefused. Empty ones count as omitted."""
    parts: dict[str, Any] = {name: value for name, value in parameters.items() if value}
    for name in ("variables", "extensions"):
        if name in parts:
            parts[name] = decoded_json(parts[name].encode(), f"`{name}`", _decode)
    return request_of(parts)


def request_of(parts: Mapping[str, Any]) -> GraphQLRequest:
    """Check the types of a request's parts; raise RequestRefused."""
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
    """Return the document's id: `documentId`, or Apollo's `extensions.persistedQuery`."""
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
