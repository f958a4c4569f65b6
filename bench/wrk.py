"""The load: wrk on the load's core, 16 connections, each asking again once it was answered."""

import os
import subprocess
from pathlib import Path

import msgspec

from bench.system import LOAD_CORE

CONNECTIONS = 16
_SCRIPT = Path(__file__).with_name("load.lua")


class Load(msgspec.Struct, frozen=True):
    """What wrk saw; `p50` and `p99` are latencies in milliseconds at saturation."""

    requests: int
    seconds: float
    bytes: int
    p50: float
    p99: float
    failures: int
    cpu: float = 0.0
    """CPU seconds that wrk itself used."""


def load(  # noqa: PLR0913 - all that a load is made of
    url: str,
    bodies: Path,
    seconds: int,
    *,
    callers: int = 1,
    coding: str = "",
    script: Path = _SCRIPT,
) -> Load:
    """Send the bodies of a file, one a line, in turn for some seconds."""
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s", "--latency"]
    command = ["taskset", "-c", str(LOAD_CORE), "wrk", *options, "-s", str(script), url]
    before = os.times()
    done = subprocess.run(
        [*command, "--", str(bodies), str(callers), coding],
        capture_output=True,
        text=True,
        check=True,
    )
    after = os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    said = msgspec.json.decode(done.stdout.splitlines()[-1], type=Load)
    return msgspec.structs.replace(said, cpu=cpu)
