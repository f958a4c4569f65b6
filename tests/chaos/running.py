"""Starts what the chaos tests need, asks the gateway, and measures its process."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from chaos.proxy import Fault, FaultProxy
from cli.commands import Server, serving

TIMEOUT = 3.0
DEADLINE = 8.0
ALIVE = 1.0
"""Seconds in which a process that is well answers a probe."""
MARGIN = 10.0
"""Seconds that a slow machine may take beside the deadline."""
REST = 0.2
BODY_MEGABYTES = 8
BODIES_MEGABYTES = 32
ROOM = 120 * 1024
"""Kilobytes by which the process may grow at most, several bodies at once included."""


@dataclass
class Chaos:
    """The gateway's process, the proxy, and ways to ask both sides."""

    gateway: Server
    proxy: FaultProxy
    http: httpx.AsyncClient
    upstream: httpx.AsyncClient

    async def ask(self, query: str, **variables: Any) -> Any:
        """Ask the gateway; the answer must be there in time."""
        began = time.monotonic()
        response = await self.http.post("/graphql", json={"query": query, "variables": variables})
        assert time.monotonic() - began < DEADLINE + MARGIN
        assert response.status_code == 200
        return response.json()

    async def ask_patiently(self, query: str, **variables: Any) -> Any:
        """Ask again where the machine was too slow: for a timeout that no fault explains."""
        for _ in range(5):
            answer = await self.ask(query, **variables)
            codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
            if codes != {"UPSTREAM_TIMEOUT"}:
                break
        return answer

    async def ask_hl7(self, query: str, path: str = "/fhir/$graphql", **variables: Any) -> Any:
        """Ask HL7's interface, in time too; return the status and the answer."""
        began = time.monotonic()
        response = await self.http.post(path, json={"query": query, "variables": variables})
        assert time.monotonic() - began < DEADLINE + MARGIN
        return response.status_code, response.json()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Check that the process is responsive within the block: `/livez` answers in a second."""
        delays: list[float] = []
        watch = asyncio.create_task(self._watch(delays))
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.wait([watch])
        assert max(delays, default=0.0) < ALIVE

    async def _watch(self, delays: list[float]) -> None:
        while True:
            began = time.monotonic()
            assert (await self.http.get("/livez")).status_code == 200
            delays.append(time.monotonic() - began)
            await asyncio.sleep(0.1)

    def all_meet(self, fault: Fault | None) -> None:
        """Inject a fault into every request to the upstream, or none."""
        self.proxy.choose = lambda _: fault

    @property
    def _proc(self) -> Path:
        return Path(f"/proc/{self.gateway.process.pid}")

    def peak(self) -> int:
        """Return the most memory that the process has had since `forget_peak`, in kilobytes."""
        return self._kilobytes("VmHWM")

    def resident(self) -> int:
        """Return the memory that the process has, in kilobytes."""
        return self._kilobytes("VmRSS")

    def _kilobytes(self, name: str) -> int:
        lines = (self._proc / "status").read_text().splitlines()
        [line] = [line for line in lines if line.startswith(name)]
        return int(line.split()[1])

    def forget_peak(self) -> None:
        """Measure the peak from now on."""
        (self._proc / "clear_refs").write_text("5")

    def open_files(self) -> int:
        """Count the process's file descriptors."""
        return len(list((self._proc / "fd").iterdir()))


@asynccontextmanager
async def running() -> AsyncIterator[Chaos]:
    """Run all of it within the block."""
    with serving("sandbox", "--upstream-only", "--port", "0") as sandbox:
        url = urlsplit(sandbox.url)
        assert url.hostname
        assert url.port
        proxy = FaultProxy((url.hostname, url.port))
        await proxy.listen()
        settings = {
            "upstream_url": f"http://127.0.0.1:{proxy.port}",
            "upstream_check": "false",  # the proxy lives in this process, which waits meanwhile
            "upstream_timeout": str(TIMEOUT),
            "upstream_megabytes": str(BODY_MEGABYTES),
            "upstream_total_megabytes": str(BODIES_MEGABYTES),
            "upstream_rest": str(REST),
            "deadline": str(DEADLINE),
            "cache_ttl": "0",
            "fhir_graphql": "true",
        }
        with serving("serve", "--port", "0", **settings) as gateway:
            async with client(gateway.url) as http, client(sandbox.url) as upstream:
                yield Chaos(gateway, proxy, http, upstream)
        await proxy.refuse()


def client(url: str) -> httpx.AsyncClient:
    """Return a client with the sandbox's token, each of whose requests has a connection of its own.

    A server may close a kept one just when a slow machine comes to use it.
    """
    return httpx.AsyncClient(
        base_url=url,
        headers={"authorization": "Bearer sandbox"},
        limits=httpx.Limits(max_keepalive_connections=0),
        timeout=120,
    )
