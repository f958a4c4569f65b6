"""Whether the Redis that replicas share can be used."""

import msgspec

from group_gateway.cache_wiring import build_redis
from group_gateway.cli.doctor.findings import Finding, ok, warn
from group_gateway.config import PREFIX, Settings

_NAME = "cache"
_FIRST_CONTACT = 3.0
"""Seconds for all connections, TLS handshakes and the layout of a cluster, at least."""
_REFUSALS = frozenset({"AuthenticationError", "NoPermissionError", "AuthorizationError"})


async def shared_cache(settings: Settings) -> Finding:
    """Return the finding of a command on the Redis of the settings."""
    patient = max(settings.cache_timeout, _FIRST_CONTACT)
    redis = build_redis(msgspec.structs.replace(settings, cache_timeout=patient))
    try:
        await redis.evaluate("return 1", ["group-gateway:{doctor}"], [])
    except Exception as error:  # noqa: BLE001 - whatever Redis raises is the finding
        reason = type(error).__name__
    else:
        return ok(_NAME, "The Redis that replicas share answers.")
    finally:
        await redis.close(timeout=None)
    if reason in _REFUSALS:
        text = f"Redis refuses the gateway ({reason})."
        remedy = f"Check the user and password in {PREFIX}CACHE_URL, and what the user is allowed."
    else:
        text = f"Redis can't be reached ({reason})."
        remedy = f"Check {PREFIX}CACHE_URL, and that the server runs."
    return warn(_NAME, f"{text} Until it can be used each request goes to the upstream.", remedy)
