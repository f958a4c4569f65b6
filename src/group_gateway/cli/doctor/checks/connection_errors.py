"""Why no response came from an upstream, in words. Pure."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from group_gateway.config import PREFIX
from group_gateway.upstream.transport.http1_connection import ResponseTooLarge, UnwantedCoding

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class _Words:
    """The meaning of some kinds of errors, and the remedy."""

    kinds: tuple[type[BaseException], ...]
    text: str
    remedy: str


def why_silent(error: BaseException, base_url: str, timeout: float) -> tuple[str, str]:
    """Return a sentence about the failure of an exchange, and one with the remedy.

    `timeout` is the timeout in seconds.
    """
    url = httpx.URL(base_url)
    facts = {"host": url.host, "port": url.port or _PORTS[url.scheme], "timeout": f"{timeout:g}"}
    for words in _REASONS:
        for cause in _causes(error):
            if isinstance(cause, words.kinds):
                facts["reason"] = getattr(cause, "verify_message", "").rstrip(".")
                return words.text.format_map(facts), words.remedy
    return f"{url.host} broke the connection off.", "Look into the server's own log."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


_REASONS = (
    _Words(
        (socket.gaierror,),
        "The name {host} can't be resolved.",
        f"Check the spelling in {PREFIX}UPSTREAM_URL, and this machine's DNS.",
    ),
    _Words(
        (ssl.SSLCertVerificationError,),
        "The certificate of {host} is not trusted ({reason}).",
        f"If the server has a CA of its own, name its PEM file in {PREFIX}UPSTREAM_CA_FILE.",
    ),
    _Words(
        (ssl.SSLError,),
        "There is no TLS at {host} port {port}.",
        f"If the server speaks plain HTTP, {PREFIX}UPSTREAM_URL starts with http://.",
    ),
    _Words(
        (httpx.ConnectError,),
        "Nothing takes connections at {host} port {port}.",
        f"Check the host and the port in {PREFIX}UPSTREAM_URL, and that the server runs.",
    ),
    _Words(
        (httpx.ConnectTimeout,),
        "No connection to {host} port {port} came about in time.",
        f"Check the host and the port in {PREFIX}UPSTREAM_URL, and the firewalls in between.",
    ),
    _Words(
        (UnwantedCoding,),
        "{host} compresses its responses, although the gateway asks for uncompressed ones.",
        "Configure the server, or the proxy in front of it, to honour `Accept-Encoding: identity`.",
    ),
    _Words(
        (ResponseTooLarge,),
        "The answer of {host} is too large.",
        f"Raise {PREFIX}UPSTREAM_MEGABYTES.",
    ),
    _Words(
        (httpx.RemoteProtocolError,),
        "What answers at {host} port {port} does not speak HTTP.",
        f"If the server speaks TLS, {PREFIX}UPSTREAM_URL starts with https://.",
    ),
    _Words(
        (TimeoutError, httpx.TimeoutException),
        "{host} took the connection but did not answer within {timeout} seconds.",
        f"If the server is that slow, raise {PREFIX}UPSTREAM_TIMEOUT.",
    ),
)
"""In this order: the first errors wrap later ones."""
