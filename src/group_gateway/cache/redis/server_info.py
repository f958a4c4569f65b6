"""What a server says of itself in its answers to `INFO`. Pure."""

import re

_RUN_ID = re.compile(rb"run_id:(\w+)")
_REPLICA = re.compile(rb"role:slave")
_MICROSECONDS = re.compile(rb"server_time_usec:(\d+)")


def run_id_in(info: bytes) -> str:
    """Return the id of the server's process; "" if it is not told."""
    found = _RUN_ID.search(info)
    return found[1].decode() if found else ""


def is_replica_in(info: bytes) -> bool:
    """Return whether the server follows another one."""
    return _REPLICA.search(info) is not None


def time_in(info: bytes) -> float | None:
    """Return the server's time in seconds, which Redis before 6.2 leaves out."""
    found = _MICROSECONDS.search(info)
    return int(found[1]) / 1e6 if found else None
