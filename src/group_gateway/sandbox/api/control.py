"""`/sandbox/…`: how a test or a newcomer controls a running sandbox. Plain JSON, no token.

It is not part of the upstream, and absent when `SandboxOptions.control` is off.
"""

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from group_gateway.sandbox.api.quirks_json import nearest, parse_quirks, quirks_to_json
from group_gateway.sandbox.state import sandbox_of

_JSON = "application/json"


async def show_quirks(request: Request) -> Response:
    """Return the current quirks."""
    return Response(quirks_to_json(sandbox_of(request).quirks), media_type=_JSON)


async def set_quirks(request: Request) -> Response:
    """Set all quirks; those that the body omits return to their defaults."""
    try:
        quirks = parse_quirks(await request.body())
    except ValueError as error:
        return _wrong(str(error))
    sandbox_of(request).use(quirks)
    return await show_quirks(request)


async def drop_quirks(request: Request) -> Response:
    """Return to the quirks of the start."""
    sandbox = sandbox_of(request)
    sandbox.use(sandbox.options.quirks)
    return await show_quirks(request)


async def show_requests(request: Request) -> Response:
    """Return the requests to the FHIR API and the token endpoint."""
    log = sandbox_of(request).requests
    content = {"total": log.total, "peak": log.peak, "requests": log.entries}
    return Response(msgspec.json.encode(content), media_type=_JSON)


async def clear_requests(request: Request) -> Response:
    """Clear the list of requests."""
    sandbox_of(request).requests.clear()
    return Response(status_code=204)


async def revoke(request: Request) -> Response:
    """Revoke a token: `{"token": "…"}`. Returns whether it was valid until now."""
    try:
        body = msgspec.json.decode(await request.body(), type=dict[str, str])
    except ValueError as error:
        return _wrong(str(error))
    unknown = [key for key in body if key != "token"]
    if unknown:
        return _wrong(nearest(unknown[0], ["token"]))
    if not body:
        return _wrong("missing key 'token'")
    return JSONResponse({"revoked": sandbox_of(request).tokens.revoke(body["token"])})


async def reset(request: Request) -> Response:
    """Return to the start: data, quirks, tokens, log."""
    sandbox_of(request).reset()
    return Response(status_code=204)


def _wrong(text: str) -> Response:
    return JSONResponse({"error": text}, status_code=400)
