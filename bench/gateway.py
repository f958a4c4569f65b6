"""The gateway as a program, in the ways it is measured. Used by `own`, `rivals` and `soak`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.measuring import Target
from bench.system import SERVER_CORE, free_port, running


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to run the gateway, and with how many callers it is asked."""

    name: str
    title: str
    settings: dict[str, str] = field(default_factory=dict)
    callers: int = 1
    coding: str = ""
    """The Accept-Encoding of the load."""


_NO_CACHE = {"GROUP_GATEWAY_CACHE_TTL": "0"}
UNSHARED = Mode("unshared", "cold, nothing shared", _NO_CACHE, callers=64)
"""No cache, and each request comes from another caller than those under way with it."""
COLD = Mode("cold", "cold", _NO_CACHE)
"""No cache; what is under way at the same moment for the same caller is shared, as always."""
WARM = Mode("warm", "warm")
"""As it comes."""
WARM_GZIP = Mode("warm-gzip", "warm, gzip", coding="gzip")
WARM_ZSTD = Mode("warm-zstd", "warm, zstd", coding="zstd")
"""The same for clients that take compressed answers: smaller than 1 KB they are not."""
MODES = (UNSHARED, COLD, WARM)
"""What rivals are compared with."""
OWN_MODES = (*MODES, WARM_GZIP, WARM_ZSTD)


@contextmanager
def gateway(mode: Mode, upstream_url: str, folder: Path) -> Iterator[Target]:
    """Run `group-gateway serve` within the block."""
    port = free_port()
    environment = {
        "GROUP_GATEWAY_UPSTREAM_URL": upstream_url,
        "GROUP_GATEWAY_PORT": str(port),
        **mode.settings,
    }
    with running(
        [sys.executable, "-m", "group_gateway", "serve"],
        core=SERVER_CORE,
        log=folder / f"gateway-{mode.name}.log",
        ready=f"http://127.0.0.1:{port}/livez",
        cwd=folder,  # where no .env file is
        environment=environment,
    ) as program:
        yield Target(f"http://127.0.0.1:{port}/graphql", program, mode.callers, mode.coding)
