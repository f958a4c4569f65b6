"""The gateway as a program, in the ways it is measured. Used by `own`, `rivals` and `soak`."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.install import need
from bench.measuring import Target
from bench.system import LOAD_CORE, SERVER_CORE, free_port, running


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to run the gateway, and with how many callers it is asked."""

    name: str
    title: str
    settings: dict[str, str] = field(default_factory=dict)
    callers: int = 1
    coding: str = ""
    """The Accept-Encoding of the load."""
    shared: bool = False
    """Whether the cache is a Redis, as for several replicas."""


_NO_CACHE = {"GROUP_GATEWAY_CACHE_TTL": "0"}
UNSHARED = Mode("unshared", "cold, nothing shared", _NO_CACHE, callers=64)
"""No cache, and each request comes from another caller than those under way with it."""
COLD = Mode("cold", "cold", _NO_CACHE)
"""No cache; what is under way at the same moment for the same caller is shared, as always."""
WARM = Mode("warm", "warm")
"""As it comes."""
WARM_SHARED = Mode("warm-shared", "warm, shared by a Redis", shared=True)
WARM_GZIP = Mode("warm-gzip", "warm, gzip", coding="gzip")
WARM_ZSTD = Mode("warm-zstd", "warm, zstd", coding="zstd")
"""The same for clients that take compressed answers: smaller than 1 KB they are not."""
MODES = (UNSHARED, COLD, WARM)
"""What rivals are compared with."""
OWN_MODES = (*MODES, WARM_SHARED, WARM_GZIP, WARM_ZSTD)


@contextmanager
def redis() -> Iterator[str]:
    """Run a Redis on the load's core within the block; yield its address."""
    need(["redis-server"])
    port = free_port()
    keeps_nothing = ("--save", "", "--appendonly", "no", "--bind", "127.0.0.1")
    with subprocess.Popen(
        ["taskset", "-c", str(LOAD_CORE), "redis-server", "--port", str(port), *keeps_nothing],
        stdout=subprocess.DEVNULL,
    ) as server:
        try:
            while server.poll() is None:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}"
        finally:
            server.terminate()


@contextmanager
def gateway(mode: Mode, upstream_url: str, folder: Path) -> Iterator[Target]:
    """Run `group-gateway serve` within the block."""
    port = free_port()
    environment = {
        "GROUP_GATEWAY_UPSTREAM_URL": upstream_url,
        "GROUP_GATEWAY_PORT": str(port),
        **mode.settings,
    }
    with (
        redis() if mode.shared else nullcontext("memory://") as cache_url,
        running(
            [sys.executable, "-m", "group_gateway", "serve"],
            core=SERVER_CORE,
            log=folder / f"gateway-{mode.name}.log",
            ready=f"http://127.0.0.1:{port}/livez",
            cwd=folder,  # where no .env file is
            environment={"GROUP_GATEWAY_CACHE_URL": cache_url, **environment},
        ) as program,
    ):
        yield Target(f"http://127.0.0.1:{port}/graphql", program, mode.callers, mode.coding)
