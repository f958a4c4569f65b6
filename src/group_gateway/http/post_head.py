"""The head of a POST to the GraphQL endpoint, as far as a ready response depends on it."""

from collections.abc import Mapping
from dataclasses import dataclass

Headers = Mapping[bytes, str]
POST_HEAD = "group_gateway.post_head"
"""ASGI scope key of a PostHead that is known already."""


@dataclass(frozen=True, slots=True)
class PostHead:
    """What a head means. It holds for every request whose head has the same bytes.

    `headers` are the values of the headers that are read, by names in lower case. `media_type` is
    the response's. `names_request`: no other request has this head, because it holds an id.
    `is_whole`: the client accepts no payloads or events, so that the response is one body.
    `names_trace`: it belongs to a trace of its client. `further` are headers for the response.
    """

    headers: Headers
    media_type: str
    authorization: str | None
    names_request: bool
    is_whole: bool
    names_trace: bool
    further: tuple[tuple[bytes, bytes], ...] = ()
