"""The first checks: does anything respond, and is it a FHIR server? Pure.

`serve` makes them too before it starts.
"""

from group_gateway.cli.doctor.checks.connection_errors import why_silent
from group_gateway.cli.doctor.findings import Finding, fail, ok
from group_gateway.cli.doctor.upstream_probe import Exchange, ProbeReply
from group_gateway.config import PREFIX, Settings
from group_gateway.errors import UpstreamInvalidResponse, UpstreamUnavailable

CONNECTION, BASE_URL = "connection", "base URL"
_REDIRECTS = range(300, 400)
_CANVAS = ".canvasmedical.com"


def connection(reply: ProbeReply[object], settings: Settings) -> Finding:
    """Check that a response arrived, whatever it says."""
    if reply.exchange is None and reply.error is not None:
        text, remedy = why_silent(reply.error, settings.upstream_url, settings.upstream_timeout)
        return fail(CONNECTION, text, remedy)
    return ok(CONNECTION, f"{_host(settings)} answers.")


def base_url(reply: ProbeReply[object], settings: Settings) -> Finding:
    """Check that the response is a FHIR server's, even if it is a refusal."""
    exchange, error = reply.exchange, reply.error
    if exchange is None or not isinstance(error, UpstreamInvalidResponse | UpstreamUnavailable):
        return ok(BASE_URL, "A FHIR server answers at the base URL.")
    if exchange.status in _REDIRECTS:
        return _redirect(exchange)
    if isinstance(error, UpstreamUnavailable):
        text = f"The server fails, with status {exchange.status}{named(reply)}."
        return fail(BASE_URL, text, "Try later, or tell whoever runs it.")
    what = "a web page" if exchange.is_web_page else "something that is not FHIR"
    text = f"The base URL is not a FHIR server's: the answer is {what}, status {exchange.status}."
    return fail(BASE_URL, text, _hint(settings))


def named(reply: ProbeReply[object]) -> str:
    """Return the upstream's correlation id of a failure, for the upstream's support."""
    if reply.error is None or reply.error.correlation_id is None:
        return ""
    return f" (correlation id {reply.error.correlation_id})"


def _redirect(exchange: Exchange) -> Finding:
    target = exchange.headers.get("location", "")
    base = target.partition("?")[0].removesuffix("/metadata").removesuffix("/Group")
    there = base if base.startswith(("http://", "https://")) else "the address that it leads to"
    text = f"The server redirects, with status {exchange.status}; the gateway never follows."
    return fail(BASE_URL, text, f"Set {PREFIX}UPSTREAM_URL to {there}.")


def _hint(settings: Settings) -> str:
    host, url = _host(settings), settings.upstream_url.rstrip("/")
    if host.endswith(_CANVAS) and not host.startswith("fumage-"):
        return f"Canvas's FHIR API has a host of its own: try https://fumage-{host}."
    if host.endswith(_CANVAS):
        return "Check the instance's name; if it is right, ask Canvas to enable its FHIR API."
    for tail in ("/Group", "/metadata"):
        if url.endswith(tail):
            return f"Leave {tail} off: {PREFIX}UPSTREAM_URL is what stands before it."
    return (
        f"{PREFIX}UPSTREAM_URL is what stands before /metadata and /Group, such as"
        f" https://fumage-<instance>{_CANVAS} or https://<host>/fhir."
    )


def _host(settings: Settings) -> str:
    return settings.upstream_url.partition("://")[2].partition("/")[0]
