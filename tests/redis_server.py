"""A real Redis for tests: a process of its own that can be killed, frozen and started again."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import redis.asyncio

STARTS_WITHIN = 60.0


@dataclass
class RedisServer:
    """`redis-server` from Debian's package, on a port of its own.

    `options` are its own, such as `--requirepass secret`. It keeps nothing on disk unless they
    say so.
    """

    folder: Path
    port: int
    options: tuple[str, ...] = ()
    binary: str = "redis-server"
    settings: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What `GROUP_GATEWAY_CACHE_URL` takes."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [self.binary, *map(str, filter(None, [self.settings]))]
        command += ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        if "--sentinel" not in self.options:
            command += ["--save", "", "--appendonly", "no"]
        command += self.options
        if "--tls-cert-file" in self.options:
            command += ["--port", "0", "--tls-port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        patience = time.monotonic() + STARTS_WITHIN
        while not self._answers():
            assert self.process.poll() is None, "redis-server did not start"
            assert time.monotonic() < patience, "redis-server does not answer"
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                if "--tls-cert-file" in self.options:
                    return True
                connection.sendall(b"PING\r\n")
                return bool(connection.recv(64))  # an error will do: it may want a password
        except OSError:
            return False

    def kill(self) -> None:
        """Kill it, as a crash does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def freeze(self) -> None:
        """Stop the process: it answers no more, while its port still accepts connections."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Continue the stopped process."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def client(self) -> redis.asyncio.Redis:
        """Return a client to look inside with."""
        return redis.asyncio.Redis(port=self.port, protocol=2)  # the third is not in Redis 5


@contextmanager
def redis_server(
    folder: Path,
    *options: str,
    binary: str = "redis-server",
    settings: Path | None = None,
    below: int | None = None,
) -> Iterator[RedisServer]:
    """Run a server within the block, on a port `below` a number if that is given."""
    with socket.socket() as place:
        # It holds the port and does not listen, so that only a server which also sets this option
        # may have it. Let go, the port could become another test's, with another test's Redis.
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(("127.0.0.1", 0 if below is None else _free_port(below)))
        server = RedisServer(folder, place.getsockname()[1], options, binary, settings)
        try:
            server.start()
            yield server
        finally:
            if server.process is not None:
                server.kill()


def _free_port(below: int) -> int:
    """Return a port that is free, as is the one 10,000 above it: a cluster's bus is there."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            if port < below:
                with suppress(OSError):
                    other.bind(("127.0.0.1", port + 10_000))
                    return port
