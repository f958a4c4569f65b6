"""`python -m bench soak`: mixed load for a while, and what becomes of the gateway's memory.

Known and new documents, reads of all five workloads and writes, known and new callers.
"""

import random
import statistics
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from bench.facts import Facts, facts
from bench.gateway import WARM, gateway
from bench.install import need
from bench.measuring import Target
from bench.nginx import upstream
from bench.progress import tell
from bench.resources import Catalogue, Resource
from bench.workloads import CONNECTION, Workload, body
from bench.wrk import Load, load

_SCRIPT = Path(__file__).with_name("soak.lua")
_NEW_CALLER_EVERY = 3
_SHARES = {"W1": (430, 430), "W2": (40, 20), "W3": (30, 20), "W4": (10, 3), "W5": (4, 1)}
"""Of some 1,000 requests, those with a known and those with a new document."""
_WRITES = 30
_RENAME = (
    "mutation Rename($input: UpdateGroupInput!) { updateGroup(input: $input) { issues { code } } }"
)
_FLAT = 0.02
_SECONDS_PER_HOUR = 3600


class Soak(msgspec.Struct, frozen=True):
    """The results: `samples` are seconds since the start and resident megabytes."""

    facts: Facts
    load: Load
    samples: list[tuple[float, float]]

    def slope(self) -> float:
        """Return the megabytes per hour that memory grew by, over the second half."""
        seconds, megabytes = zip(*self._second_half(), strict=True)
        return statistics.linear_regression(seconds, megabytes).slope * _SECONDS_PER_HOUR

    def is_flat(self) -> bool:
        """Return whether the second half grew by less than a fiftieth."""
        half = self._second_half()
        hours = (half[-1][0] - half[0][0]) / _SECONDS_PER_HOUR
        return self.slope() * hours < _FLAT * statistics.mean(mb for _, mb in half)

    def _second_half(self) -> list[tuple[float, float]]:
        return self.samples[len(self.samples) // 2 :]


def run(work: Path, minutes: float) -> Soak:
    """Keep the gateway busy, with the folder `work` to write to."""
    need(["nginx", "wrk", "taskset"])
    catalogue = Catalogue()
    bodies = work / "soak.jsonl"
    bodies.write_bytes(b"\n".join(mix(CONNECTION.workloads(catalogue), catalogue.small)))
    with (
        upstream(work / "upstream", catalogue.files(), catalogue.searches()) as source,
        gateway(WARM, source.url, work) as target,
        ThreadPoolExecutor(1) as background,
    ):
        seconds = round(minutes * 60)
        loading = background.submit(
            load, target.url, bodies, seconds, callers=_NEW_CALLER_EVERY, script=_SCRIPT
        )
        samples = _sampled(target, seconds)
        return Soak(facts(), loading.result(), samples)


def _sampled(target: Target, seconds: int) -> list[tuple[float, float]]:
    begin = time.monotonic()
    samples = []
    for second in range(seconds):
        samples.append((time.monotonic() - begin, target.program.memory()))
        if second % 10 == 0:
            tell(f"{second:4} s {samples[-1][1]:7.1f} MB")
        time.sleep(max(0.0, begin + second + 1 - time.monotonic()))
    return samples


def mix(workloads: Mapping[str, Workload], writable: Sequence[Resource]) -> list[bytes]:
    """Return the bodies in the order to send them; `@N@` is to become a new number each time."""
    chosen: list[bytes] = []
    for name, (known, new) in _SHARES.items():
        bodies = workloads[name].bodies
        chosen += [bodies[number % len(bodies)] for number in range(known)]
        chosen += [as_new(bodies[number % len(bodies)]) for number in range(new)]
    for group in writable[:_WRITES]:
        change = {"id": group["id"], "name": "Renamed for the @N@th time"}
        chosen.append(body("Rename", _RENAME, {"input": change}))
    random.Random(0).shuffle(chosen)  # noqa: S311 - the same order on every run, no secret
    return chosen


def as_new(known: bytes) -> bytes:
    """Make a body's document a new one: another comment and, for one field, another alias."""
    commented = known.replace(b'{"query":"', b'{"query":"# @N@\\n', 1)
    for field in (b"group", b"groups"):
        commented = commented.replace(b"{ %s(" % field, b"{ new@N@: %s(" % field, 1)
    return commented
