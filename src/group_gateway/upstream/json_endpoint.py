"""JSON from one URL beside the FHIR API: a token endpoint, or a key set.

Like everything in this package it follows no redirect, and raises the errors of `errors` only.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx

from group_gateway.errors import UpstreamInvalidResponse, UpstreamTimeout, UpstreamUnavailable
from group_gateway.upstream.http_exchange import read_response
from group_gateway.upstream.upstream_response import decoded

_HEADERS = {
    "accept": "application/json",
    "accept-encoding": "identity",
    "user-agent": "group-gateway",
}
_FORM = {"content-type": "application/x-www-form-urlencoded"}


class JsonEndpoint:
    """Send requests to one URL. `timeout` bounds an exchange, in seconds."""

    def __init__(self, url: str, transport: httpx.AsyncBaseTransport, *, timeout: float) -> None:
        self.url = url
        self._transport = transport
        self._timeout = timeout

    async def get(self) -> tuple[int, Any]:
        """Return the status and the decoded body, None if that is not JSON."""
        return await self._send(httpx.Request("GET", self.url, headers=_HEADERS))

    async def post(self, form: Mapping[str, str]) -> tuple[int, Any]:
        """Send a form; return the status and the decoded body, None if that is not JSON."""
        content = urlencode(form).encode()
        return await self._send(
            httpx.Request("POST", self.url, headers=_HEADERS | _FORM, content=content)
        )

    async def _send(self, request: httpx.Request) -> tuple[int, Any]:
        phases = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout)
        request.extensions["timeout"] = phases
        try:
            async with asyncio.timeout(self._timeout):
                response = await read_response(self._transport, request)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise UpstreamTimeout("There was no answer in time.") from error
        except (httpx.RemoteProtocolError, httpx.DecodingError) as error:
            raise UpstreamInvalidResponse("The server does not speak HTTP/1.1.") from error
        except (httpx.TransportError, OSError, ssl.SSLError) as error:
            raise UpstreamUnavailable("It could not be reached, or disconnected.") from error
        return response.status_code, decoded(response.content)
