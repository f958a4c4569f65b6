"""What the worker processes of one command share: metrics, and whether the upstream has responded.

They share a folder that only their user can read. Each worker serves a snapshot of its metrics at a
Unix socket there. The worker that receives a request for `/metrics` gathers them. Snapshots are
stored as files, so that the counters of a worker that has stopped, or is too busy, still count.
"""

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from prometheus_client import ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

_TIMEOUT: Final = 1.0
"""Seconds to wait for another worker. After that its last snapshot counts."""
_MOST_ENDED: Final = 8
"""Snapshots of stopped workers that are kept one by one. More are added up in one file."""
_ENDED: Final = "ended.snapshot"
_LOWEST: Final = frozenset({"process_start_time_seconds"})
_HIGHEST: Final = frozenset(
    {"group_gateway_upstream_breaker_open", "group_gateway_cache_left_alone"}
)
Labels = tuple[tuple[str, str], ...]


class _Family(msgspec.Struct):
    name: str
    type: str
    text: str
    samples: list[tuple[str, Labels, float]]


class _Snapshot(msgspec.Struct):
    at: int
    """When it was made, by the system's monotonic clock."""
    families: list[_Family]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Snapshot).decode


class WorkerGroup:
    """The workers that share `folder`; without one this process is the only one.

    `reached` is whether the upstream has responded before any worker started.
    """

    def __init__(self, folder: Path | None = None, *, reached: bool = False) -> None:
        self._folder = folder
        self._reached = reached
        self._collectors: list[Collector] = []
        self._server: asyncio.Server | None = None
        self._name = f"{os.getpid()}-{time.monotonic_ns():x}"

    @property
    def has_reached_upstream(self) -> bool:
        """Whether the upstream has ever responded to one of them."""
        if not self._reached and self._folder is not None:
            self._reached = (self._folder / "reached").exists()
        return self._reached

    def note_upstream_reached(self) -> None:
        """Record that the upstream has responded."""
        if not self.has_reached_upstream and self._folder is not None:
            (self._folder / "reached").touch()
        self._reached = True

    async def start(self, metrics: Collector) -> None:
        """Start to serve snapshots to the other workers."""
        registry = CollectorRegistry()
        self._collectors = [metrics, ProcessCollector(registry=registry)]
        if self._folder is not None:
            path = self._folder / f"{self._name}.sock"
            self._server = await asyncio.start_unix_server(self._answer, path)

    async def aclose(self) -> None:
        """Store the last snapshot for the other workers."""
        if self._server is not None and self._folder is not None:
            self._server.close()
            (self._folder / f"{self._name}.sock").unlink(missing_ok=True)
            with contextlib.suppress(OSError), self._locked(self._folder):
                self._keep(self._folder, self._name, self._own())

    async def exposition(self) -> bytes:
        """Return the metrics of all workers in Prometheus' text format."""
        if self._folder is None:
            return generate_latest(_Gathered([self._own()], ()))
        folder = self._folder
        names = [path.stem for path in folder.glob("*.sock") if path.stem != self._name]
        answers = await asyncio.gather(*(self._fetch(folder, name) for name in names))
        with self._locked(folder):
            self._keep(folder, self._name, self._own())
            for name, answer in zip(names, answers, strict=True):
                if answer is not None:
                    self._keep(folder, name, answer)
            alive, ended = self._kept(folder)
        return generate_latest(_Gathered(alive, ended))

    def _own(self) -> _Snapshot:
        families = [
            _Family(
                metric.name,
                metric.type,
                metric.documentation,
                [(s.name, tuple(sorted(s.labels.items())), float(s.value)) for s in metric.samples],
            )
            for collector in self._collectors
            for metric in collector.collect()
        ]
        return _Snapshot(time.monotonic_ns(), families)

    async def _answer(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.write(_encode(self._own()))
            await writer.drain()
        writer.close()

    async def _fetch(self, folder: Path, name: str) -> _Snapshot | None:
        path = folder / f"{name}.sock"
        try:
            async with asyncio.timeout(_TIMEOUT):
                reader, writer = await asyncio.open_unix_connection(path)
                with contextlib.closing(writer):
                    return _decode(await reader.read())
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)  # it has been killed
        except (TimeoutError, OSError, msgspec.DecodeError):
            pass
        return None

    @contextlib.contextmanager
    def _locked(self, folder: Path) -> Iterator[None]:
        """Serialise changes of the snapshots within the block, which takes about a millisecond."""
        with (folder / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _keep(self, folder: Path, name: str, snapshot: _Snapshot) -> None:
        path = folder / f"{name}.snapshot"
        known = _decode(path.read_bytes()) if path.exists() else None
        if known is None or known.at < snapshot.at:
            path.write_bytes(_encode(snapshot))

    def _kept(self, folder: Path) -> tuple[list[_Snapshot], list[_Snapshot]]:
        """Return the snapshots of live and of stopped workers."""
        alive: list[Path] = []
        ended: list[Path] = []
        for path in sorted(folder.glob("*.snapshot")):
            lives = path.stem == self._name or path.with_suffix(".sock").exists()
            (alive if lives else ended).append(path)
        snapshots = [_decode(path.read_bytes()) for path in ended]
        if len(ended) > _MOST_ENDED:
            total = _Snapshot(0, _added_up((), snapshots))
            for path in ended:
                path.unlink()
            (folder / _ENDED).write_bytes(_encode(total))
            snapshots = [total]
        return [_decode(path.read_bytes()) for path in alive], snapshots


class _Gathered(CollectorRegistry):
    """The metrics of several workers, as a registry."""

    def __init__(self, alive: Sequence[_Snapshot], ended: Sequence[_Snapshot]) -> None:
        super().__init__()
        self._families = _added_up(alive, ended)

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families."""
        for family in self._families:
            metric = Metric(family.name, family.text, family.type)
            for name, labels, value in family.samples:
                metric.add_sample(name, dict(labels), value)
            yield metric


def _added_up(alive: Sequence[_Snapshot], ended: Sequence[_Snapshot]) -> list[_Family]:
    """Add up samples.

    Gauges include live workers only, counters stopped ones too.
    """
    families: dict[str, _Family] = {}
    totals: dict[str, dict[tuple[str, Labels], float]] = {}
    for snapshot, counts_all in (*((s, True) for s in alive), *((s, False) for s in ended)):
        for family in snapshot.families:
            if not counts_all and family.type not in {"counter", "histogram"}:
                continue
            families.setdefault(family.name, family)
            samples = totals.setdefault(family.name, {})
            for name, labels, value in family.samples:
                key = name, labels
                samples[key] = (
                    _joined(family.name, samples[key], value) if key in samples else value
                )
    return [
        _Family(f.name, f.type, f.text, [(*key, value) for key, value in totals[name].items()])
        for name, f in families.items()
    ]


def _joined(family: str, one: float, other: float) -> float:
    if family in _LOWEST:
        return min(one, other)
    return max(one, other) if family in _HIGHEST else one + other
