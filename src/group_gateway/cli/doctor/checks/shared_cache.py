"""Whether the Redis that replicas share can be used: each command that the gateway needs."""

import msgspec

from group_gateway.cache.redis.redis_cache import RedisCache
from group_gateway.cache.redis.refusals import CommandRefused
from group_gateway.cache_wiring import build_redis
from group_gateway.cli.doctor.findings import Finding, ok, warn
from group_gateway.config import PREFIX, Settings

_NAME = "cache"
_FIRST_CONTACT = 3.0
"""Seconds for all connections, TLS handshakes and the layout of a cluster, at least."""
_KEY, _STREAM = "group-gateway:{doctor}", "group-gateway:{doctor}:stream"
_COMMANDS: tuple[tuple[str | int, ...], ...] = (
    ("SET", _KEY, "", "PX", 10_000),
    ("GET", _KEY),
    ("MGET", _KEY),
    ("PTTL", _KEY),
    ("EXPIRE", _KEY, 10),
    ("PEXPIRE", _KEY, 10_000),
    ("EVAL", "return 1", 1, _KEY),
    ("XADD", _STREAM, "MAXLEN", 1, "*", "l", ""),
    ("XREAD", "COUNT", 1, "STREAMS", _STREAM, "0"),
    ("XRANGE", _STREAM, "-", "+"),
    ("XREVRANGE", _STREAM, "+", "-"),
    ("DEL", _KEY, _STREAM),
    ("INFO", "server"),
)
"""All that the gateway uses, on keys of the doctor."""


async def shared_cache(settings: Settings) -> Finding:
    """Return the finding of all commands on the Redis of the settings."""
    patient = max(settings.cache_timeout, _FIRST_CONTACT)
    redis = build_redis(msgspec.structs.replace(settings, cache_timeout=patient))
    try:
        refusals = await _refusals(redis)
    except Exception as error:  # noqa: BLE001 - whatever Redis raises is the finding
        reason = type(error).__name__
        text = f"Redis can't be reached ({reason})."
        remedy = f"Check {PREFIX}CACHE_URL, and that the server runs."
    else:
        if not refusals:
            return ok(_NAME, "The Redis that replicas share answers.")
        text = f"Redis refuses {_listed(refusals)}."
        remedy = (
            f"Check the user and password in {PREFIX}CACHE_URL, what the user is allowed, and the"
            " state of the server."
        )
    finally:
        await redis.close(timeout=None)
    return warn(_NAME, f"{text} Until it can be used each request goes to the upstream.", remedy)


async def _refusals(redis: RedisCache) -> dict[str, list[str]]:
    """Return what Redis refuses, by the reason."""
    found: dict[str, list[str]] = {}
    for command in _COMMANDS:
        try:
            await redis.command(str(command[0]), *command[1:])
        except CommandRefused as refusal:
            what = found.setdefault(refusal.reason, [])
            if refusal.command not in what:
                what.append(refusal.command)
    return found


def _listed(refusals: dict[str, list[str]]) -> str:
    return " and ".join(f"{', '.join(what)} ({why})" for why, what in refusals.items())
