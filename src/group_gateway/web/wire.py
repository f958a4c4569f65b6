"""GraphQL over HTTP: media types and the parts of a request. Pure; used by `endpoint`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from group_gateway.execution.engine import GraphQLRequest

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"


class BadRequest(Exception):
    """The HTTP request is no GraphQL request; `status` is the answer's."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class _MediaRange:
    type: str
    quality: float
    position: int

    def takes(self, media_type: str) -> bool:
        if self.quality <= 0:
            return False
        return self.type in {"*/*", media_type, f"{media_type.split('/', maxsplit=1)[0]}/*"}


def media_type_for(accept: str | None) -> str | None:
    """Choose the media type of the answer; None when the client takes neither (RFC 9110, 12.5.1).

    A client that says nothing, or anything goes, gets `application/json`, as ever.
    """
    if not accept:
        return JSON
    for entry in sorted(_ranges(accept), key=lambda r: (-r.quality, r.position)):
        for media_type in (JSON, GRAPHQL_RESPONSE):
            if entry.takes(media_type):
                return media_type
    return None


def wants_html(accept: str | None) -> bool:
    """Tell whether a browser asks for a page: HTML before any form of JSON."""
    ranges = sorted(_ranges(accept or ""), key=lambda r: (-r.quality, r.position))
    first = next((r.type for r in ranges if r.type in {"text/html", JSON, GRAPHQL_RESPONSE}), None)
    return first == "text/html"


def _ranges(accept: str) -> list[_MediaRange]:
    ranges = []
    for position, part in enumerate(accept.split(",")):
        media_type, *parameters = [piece.strip().lower() for piece in part.split(";")]
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            ranges.append(_MediaRange(media_type, float(quality), position))
        except ValueError:
            continue
    return ranges


def check_json_content(content_type: str | None) -> None:
    """Check the content type of a POST; raises BadRequest.

    It must be JSON, which no plain HTML form can send: that keeps other sites' pages from
    posting in a user's name.
    """
    media_type, *parameters = [part.strip().lower() for part in (content_type or "").split(";")]
    charsets = [p[8:].strip('"') for p in parameters if p.startswith("charset=")]
    if media_type != JSON or any(charset not in {"utf-8", "utf8"} for charset in charsets):
        raise BadRequest("Send a POST with content type application/json, in UTF-8.", 415)


def request_of_body(body: bytes) -> GraphQLRequest:
    """Read the body of a POST; raises BadRequest."""
    try:
        parts = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("The body is not JSON.") from None
    if not isinstance(parts, dict):
        raise BadRequest("The body is not a JSON object. Batches are not taken.")
    return request_of(parts)


def request_of_query(parameters: Mapping[str, str]) -> GraphQLRequest:
    """Read the parameters of a GET; raises BadRequest."""
    parts: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if parts.get(name):
            try:
                parts[name] = msgspec.json.decode(parts[name])
            except (msgspec.DecodeError, RecursionError):
                raise BadRequest(f"`{name}` is not JSON.") from None
    return request_of(parts)


def request_of(parts: Mapping[str, Any]) -> GraphQLRequest:
    """Check the parts of a request for their types; raises BadRequest."""
    query, name = parts.get("query"), parts.get("operationName")
    variables, extensions = parts.get("variables"), parts.get("extensions")
    if not isinstance(query, str) or not query:
        raise BadRequest("`query` is missing, or is not a string.")
    if name is not None and not isinstance(name, str):
        raise BadRequest("`operationName` is not a string.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest("`variables` is not an object.")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequest("`extensions` is not an object.")
    return GraphQLRequest(query, name or None, variables)
