"""One call of the upstream: sent once, in bounded time, its failures translated to `errors`."""

import asyncio
import ssl
import time
from codecs import BOM_UTF8

import httpx
import msgspec

from group_gateway.errors import (
    GatewayError,
    Overloaded,
    UpstreamInvalidResponse,
    UpstreamNotAsked,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from group_gateway.events import Events
from group_gateway.tracing import Tracing
from group_gateway.upstream.call import Call
from group_gateway.upstream.http_exchange import HttpExchange
from group_gateway.upstream.transport.http1_connection import (
    NoRoom,
    ResponseTooLarge,
    UnwantedCoding,
)
from group_gateway.upstream.upstream_response import UpstreamResponse


class CallSender:
    """Send calls to the upstream. `timeout` bounds each in seconds, below the operation's time."""

    def __init__(
        self, http: HttpExchange, *, timeout: float, events: Events, tracing: Tracing
    ) -> None:
        self._http = http
        self.timeout = timeout
        self._events = events
        self._tracing = tracing

    async def send(self, call: Call, within: float) -> UpstreamResponse:
        """Send a call once and return the response, whatever its status."""
        began = time.perf_counter()
        outcome = "failed"
        try:
            with self._tracing.upstream_call(call.method, call.path) as span:
                answer = await self._http.exchange(
                    call,
                    self._tracing.outgoing(),
                    until=asyncio.get_running_loop().time() + min(within, self.timeout),
                )
                span.set("http.response.status_code", answer.status)
            outcome = f"{answer.status // 100}xx"
            if answer.body.startswith(BOM_UTF8):  # a parser may ignore it (RFC 8259, section 8.1)
                answer = msgspec.structs.replace(answer, body=answer.body[len(BOM_UTF8) :])
        except httpx.PoolTimeout as error:
            raise Overloaded(
                "Too many calls wait for the upstream; this one was not made.", retry_after=1
            ) from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise UpstreamTimeout("The upstream did not answer in time.") from error
        except (httpx.RemoteProtocolError, httpx.DecodingError) as error:
            raise UpstreamInvalidResponse(_reason(error)) from error
        except httpx.ConnectError as error:
            raise UpstreamNotAsked("The upstream could not be reached.") from error
        except NoRoom as error:
            raise _no_room(call) from error
        except (httpx.TransportError, OSError, ssl.SSLError) as error:
            raise UpstreamUnavailable("The upstream closed the connection.") from error
        finally:
            self._events.upstream_called(call.method, outcome, time.perf_counter() - began)
        return answer


def _reason(error: httpx.RemoteProtocolError | httpx.DecodingError) -> str:
    """Return what is wrong with a response that can't be read."""
    if isinstance(error, ResponseTooLarge):
        return "The upstream's answer is too large (GROUP_GATEWAY_UPSTREAM_MEGABYTES)."
    if isinstance(error, UnwantedCoding):
        return "The upstream's answer is compressed, although the gateway asks for none that is."
    return "The upstream does not speak HTTP/1.1."


def _no_room(call: Call) -> GatewayError:
    text = "The gateway has no room for the upstream's answer at the moment."
    if call.kind == "write":  # it may have taken effect: the caller must check
        return UpstreamUnavailable(text)
    return Overloaded(text, retry_after=1)
