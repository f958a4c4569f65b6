"""One measurement: a server that runs, under one workload. Used by `own` and `rivals`.

The answer is compared with the expected data before and after the timed run; a warm-up comes
first. A server that answers wrongly beforehand is not measured at all.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from bench.nginx import Upstream
from bench.system import Program, busy_seconds
from bench.workloads import Workload
from bench.wrk import load

_HEADERS = {
    "content-type": "application/json",
    "accept": "application/json",
    "authorization": "Bearer bench-0",
}


class WrongAnswer(RuntimeError):
    """A server answers otherwise than expected, or not at all."""


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """What one timed run showed; times are per request.

    `cpu_us` is user and system time of the server, `calls` the requests that reached the
    upstream, `noise` the cores that other programs used meanwhile. Not `right`: the check after
    the run failed.
    """

    rps: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    peak_mb: float
    calls: float
    bytes: float
    failures: int
    noise: float
    right: bool


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of warm-up and of the timed run."""

    warm: int
    timed: int


@dataclass(frozen=True, slots=True)
class Target:
    """A server to be measured, at `url`. `callers` bearer tokens take turns.

    `coding` is the Accept-Encoding of the load, if any.
    """

    url: str
    program: Program
    callers: int = 1
    coding: str = ""


def measure(
    target: Target, upstream: Upstream, workload: Workload, timing: Timing, folder: Path
) -> Measurement:
    """Measure a server under a workload; raises WrongAnswer."""
    check(target.url, workload)
    measured = timed(target, upstream, workload, timing, folder)
    right = _is_right(target.url, workload)
    return msgspec.structs.replace(measured, right=right)


def timed(
    target: Target, upstream: Upstream, workload: Workload, timing: Timing, folder: Path
) -> Measurement:
    """Measure a server without checking its responses.

    Takes eight times as long if no request completed. Raises WrongAnswer if still none did.
    """
    for seconds in (timing.timed, 8 * timing.timed):
        longer = Timing(timing.warm, seconds)
        measured = _timed(target, upstream, workload, longer, folder)
        if measured.rps > 0:
            return measured
    raise WrongAnswer(f"{workload.name}: no request completed within {seconds} s")


def _timed(
    target: Target, upstream: Upstream, workload: Workload, timing: Timing, folder: Path
) -> Measurement:
    bodies, warming = folder / "bodies.jsonl", folder / "warming.jsonl"
    bodies.write_bytes(b"\n".join(workload.bodies))
    warming.write_bytes(b"\n".join(workload.warming or workload.bodies))
    target.program.forget_peak()
    asking: dict[str, Any] = {"callers": target.callers, "coding": target.coding}
    load(target.url, warming, timing.warm, **asking)
    calls, busy = upstream.requests(), busy_seconds()
    own, other = target.program.cpu_seconds(), upstream.program.cpu_seconds()
    seen = load(target.url, bodies, timing.timed, **asking)
    own = target.program.cpu_seconds() - own
    known = own + upstream.program.cpu_seconds() - other + seen.cpu
    busy = busy_seconds() - busy
    answered = max(seen.requests, 1)
    return Measurement(
        rps=seen.requests / seen.seconds,
        cpu_us=own / answered * 1e6,
        p50_ms=seen.p50,
        p99_ms=seen.p99,
        peak_mb=target.program.peak_memory(),
        calls=(upstream.requests() - calls) / answered,
        bytes=seen.bytes / answered,
        failures=seen.failures,
        noise=max(busy - known, 0.0) / seen.seconds,
        right=True,
    )


def _is_right(url: str, workload: Workload) -> bool:
    try:
        check(url, workload)
    except WrongAnswer:
        return False
    return True


def check(url: str, workload: Workload) -> None:
    """Ask once; raises WrongAnswer."""
    try:
        response = httpx.post(url, content=workload.bodies[0], headers=_HEADERS, timeout=10)
    except httpx.TransportError as error:
        raise WrongAnswer(f"{workload.name} was not answered: {error}") from error
    answer: Any = response.json() if response.status_code == httpx.codes.OK else {}
    if answer.get("errors") or answer.get("data") != workload.expected:
        text = response.text[:300]
        raise WrongAnswer(f"{workload.name} was answered {response.status_code}: {text}")
