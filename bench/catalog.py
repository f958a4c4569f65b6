"""The rivals: GraphQL gateways that other people use for the same job, each in its fair modes.

All are one process on one core. What each needs beside its command stands in `peers/`.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.install import GLIBC, PEERS, TAILCALL
from bench.measuring import Target
from bench.system import SERVER_CORE, free_port, running
from bench.workloads import BUNDLE, PLAIN, Wording

_PRODUCTION = {"NODE_ENV": "production"}
_ALL = ("W1", "W2", "W3", "W4", "W5")


@dataclass(frozen=True, slots=True)
class Start:
    """How to start a rival: the folder it runs in, its command and its environment."""

    folder: Path
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rival:
    """A rival in one mode.

    `folder` of `peers` is installed for it, if any. `prepare` takes the folder of all rivals,
    the upstream's URL and a port.
    """

    name: str
    mode: str
    folder: str
    wording: Wording
    prepare: Callable[[Path, str, int], Start]
    workloads: tuple[str, ...] = _ALL

    @property
    def key(self) -> str:
        """What it is called in results."""
        return f"{self.name}/{self.mode}"

    @contextmanager
    def started(self, work: Path, upstream_url: str) -> Iterator[Target]:
        """Run it within the block."""
        port = free_port()
        start = self.prepare(work, upstream_url, port)
        url = f"http://127.0.0.1:{port}/graphql"
        with running(
            start.command,
            core=SERVER_CORE,
            log=work / f"{self.name}-{self.mode}.log",
            ready=url,
            cwd=start.folder,
            environment={"UPSTREAM": upstream_url, "PORT": str(port), **start.environment},
        ) as program:
            yield Target(url, program)


def _node(name: str, mode: str, *only: str, **environment: str) -> Rival:
    def prepare(work: Path, _upstream: str, _port: int) -> Start:
        return Start(work / "node", ["node", f"{name}.mjs"], {**_PRODUCTION, **environment})

    return Rival(name, mode, "node", PLAIN, prepare, only or _ALL)


def mercurius(mode: str, **environment: str) -> Rival:
    """Return Mercurius in a mode."""
    return _node("mercurius", mode, **environment)


def tailcall(mode: str, *, fields: str = "", dedupe: str = "") -> Rival:
    """Return tailcall in a mode."""

    def prepare(work: Path, upstream: str, port: int) -> Start:
        folder = work / "tailcall"
        text = (folder / "peer.graphql.tmpl").read_text()
        values = {"PORT": str(port), "UPSTREAM": upstream, "FIELDCACHE": fields, "DEDUPE": dedupe}
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        configuration = folder / f"{mode}.graphql"
        configuration.write_text(text)
        library = folder / GLIBC
        loader = [str(library / "ld-linux-x86-64.so.2"), "--library-path", str(library)]
        command = [str(folder / TAILCALL), "start", str(configuration)]
        silent = {"TAILCALL_TRACKER": "false", "TAILCALL_LOG_LEVEL": "error"}
        return Start(folder, [*(loader if library.exists() else ()), *command], silent)

    return Rival("tailcall", mode, "tailcall", BUNDLE, prepare)


def _hive(mode: str, **environment: str) -> Rival:
    def prepare(work: Path, upstream: str, _port: int) -> Start:
        folder = work / "hive"
        composed = (folder / "supergraph.graphql").read_text()
        # The JSON schema source has no way to say that an argument is an ID.
        composed = composed.replace("group(id: String)", "group(id: ID!)")
        supergraph = folder / f"{mode}.graphql"
        supergraph.write_text(composed.replace("http://upstream.test", upstream))
        program = "node_modules/@graphql-hive/gateway/dist/bin.js"
        command = ["node", program, "supergraph", str(supergraph), "-c", "gateway.config.mjs"]
        own = {"SUPERGRAPH": str(supergraph), **_PRODUCTION, **environment}
        return Start(folder, command, own)

    return Rival("hive-gateway", mode, "hive", BUNDLE, prepare)


def _naive(_work: Path, _upstream: str, port: int) -> Start:
    options = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    command = [sys.executable, "-m", "uvicorn", "naive_strawberry:app", *options, "--no-access-log"]
    return Start(PEERS, command)


CORE = (
    tailcall("off"),
    tailcall("off+dedupe", dedupe=", dedupe: true"),
    tailcall("field-cache", fields="@cache(maxAge: 60000)"),
    _node("mercurius", "off"),
    _node("mercurius", "off+batch", "W4", BATCH="1"),
    _node("mercurius", "resolver-cache", CACHE="1"),
    Rival("strawberry-naive", "off", "", PLAIN, _naive),
)
"""The fastest ones, and what a Python user writes first."""
MORE = (
    _node("apollo", "off"),
    _node("apollo", "response-cache", CACHE="1"),
    _node("yoga", "off"),
    _node("yoga", "response-cache", CACHE="1"),
    _hive("off", CACHE=""),
    _hive("response-cache", CACHE="response"),
)
"""The others that are well known."""
SETS: Mapping[str, tuple[Rival, ...]] = {"core": CORE, "all": (*CORE, *MORE)}
