"""Replicas as people run them: processes behind nginx, which has the shipped configuration."""

import asyncio
import os
import re
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx

from cli.commands import COMMAND, NOWHERE, PATIENCE, PREFIX
from frontdoor import MODE, Gateway

SHIPPED = Path(__file__).parents[2] / "deploy" / "compose" / "nginx.conf"


@dataclass
class Served:
    """A program with an address of its own, which stays the same when it is started again."""

    command: Sequence[str | Path]
    url: str
    ready: str
    """The path that answers 200 once it serves."""
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it, and wait until it serves."""
        process = self.process = self._started()
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient(base_url=self.url) as http:
            while not await _is_ready(http, self.ready):
                assert process.poll() is None, self.log.read_text()
                await asyncio.sleep(0.1)

    def _started(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command,
                env=os.environ | self.environment,
                cwd=NOWHERE,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, and return the exit status."""
        assert self.process is not None
        self.process.send_signal(by)
        return await asyncio.to_thread(self.process.wait, PATIENCE)

    def stop(self) -> None:
        """End it if it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


async def _is_ready(http: httpx.AsyncClient, path: str) -> bool:
    try:
        return (await http.get(path)).status_code == HTTPStatus.OK
    except httpx.TransportError:
        return False


@dataclass
class Fleet:
    """Three replicas, the sandbox behind them, and nginx in front of them."""

    replicas: list[Served]
    sandbox: Served
    proxy: Gateway

    async def set_quirks(self, **quirks: object) -> None:
        """Make the upstream misbehave from now on; without quirks it behaves again."""
        async with httpx.AsyncClient(base_url=self.sandbox.url) as http:
            (await http.put("/sandbox/quirks", json=quirks)).raise_for_status()


@asynccontextmanager
async def fleet(folder: Path, url: str, **first: str) -> AsyncIterator[Fleet]:
    """Run a fleet that shares a cache within the block.

    The first replica has the settings `first` besides.
    """
    sandbox_port, proxy_port, *ports = free_ports(5)
    sandbox = upstream(sandbox_port, folder)
    replicas = [replica(port, sandbox.url, url, folder) for port in ports]
    replicas[0].environment |= {PREFIX + name.upper(): value for name, value in first.items()}
    configuration = folder / "nginx.conf"
    configuration.write_text(_configuration(proxy_port, ports, folder))
    nginx = ["nginx", "-p", str(folder), "-c", str(configuration), "-g", "daemon off;"]
    proxy = Served(nginx, _local(proxy_port), "/livez", {}, folder / "nginx.log")
    async with AsyncExitStack() as stack:
        for each in (sandbox, *replicas, proxy):
            stack.callback(each.stop)
        await sandbox.start()
        await asyncio.gather(*(each.start() for each in replicas))
        await proxy.start()
        client = httpx.AsyncClient(
            base_url=proxy.url, timeout=PATIENCE, event_hooks={"response": [_raise_if_cut]}
        )
        yield Fleet(replicas, sandbox, Gateway(await stack.enter_async_context(client)))


def upstream(port: int, folder: Path) -> Served:
    """Return the sandbox's FHIR server."""
    command = [*COMMAND, "sandbox", "--upstream-only", "--port", str(port)]
    return Served(command, _local(port), "/metadata", {}, folder / "sandbox.log")


def replica(
    port: int,
    upstream_url: str,
    cache_url: str,
    folder: Path,
    program: Sequence[str | Path] = COMMAND,
) -> Served:
    """Return a replica; `program` may be another release's command."""
    environment = MODE | {
        "GROUP_GATEWAY_UPSTREAM_URL": upstream_url,
        "GROUP_GATEWAY_CACHE_URL": cache_url,
        "GROUP_GATEWAY_SECRET": "a secret of the tests",
    }
    command = [*program, "serve", "--port", str(port)]
    return Served(command, _local(port), "/readyz", environment, folder / f"{port}.log")


def _configuration(port: int, ports: Sequence[int], folder: Path) -> str:
    """Return the shipped configuration of nginx with other addresses."""
    text = SHIPPED.read_text()
    # Debian's nginx is older than the image's, and there is no name to resolve here.
    [options] = set(re.findall(r"server gateway-\d:8000 resolve(.*);", text))
    servers = "\n".join(f"    server 127.0.0.1:{each}{options};" for each in ports)
    text = re.sub(r"(    server gateway-\d:8000.*\n)+", f"{servers}\n", text)
    text = text.replace("pid /run/nginx.pid;", f"pid {folder}/nginx.pid;")
    return text.replace("listen 8000;", f"listen 127.0.0.1:{port};")


async def _raise_if_cut(response: httpx.Response) -> None:
    """Raise the error of a cut connection where nginx answers that it has lost a replica."""
    if response.status_code == HTTPStatus.BAD_GATEWAY:
        raise httpx.RemoteProtocolError("a replica was lost", request=response.request)


def _local(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def free_ports(count: int) -> list[int]:
    """Return ports that are free now."""
    with ExitStack() as stack:
        doors = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(door.getsockname()[1]) for door in doors]
