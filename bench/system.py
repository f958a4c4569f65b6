"""Programs pinned to one core, and what the kernel says they used. Linux only."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = _CORES[0], _CORES[-1]
"""What is measured has a core to itself; the load and the upstream share the other."""
_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE = 30.0


class Program:
    """A running program, with whatever it starts."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self._process.poll() is not None

    def cpu_seconds(self) -> float:
        """Return the CPU time used so far."""
        return sum(_cpu_seconds(pid) for pid in self._tree())

    def memory(self) -> float:
        """Return the resident memory in megabytes."""
        return sum(_megabytes(pid, "VmRSS") for pid in self._tree())

    def peak_memory(self) -> float:
        """Return the most resident memory since `forget_peak`, in megabytes."""
        return sum(_megabytes(pid, "VmHWM") for pid in self._tree())

    def forget_peak(self) -> None:
        """Begin the peak anew."""
        for pid in self._tree():
            with suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text("5")

    def stop(self) -> None:
        """End it, and what it started: the process group that `running` gave it."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
                return

    def _tree(self) -> list[int]:
        children: dict[int, list[int]] = {}
        for path in Path("/proc").glob("[0-9]*"):
            pid = int(path.name)
            with suppress(OSError):
                children.setdefault(int(_stat(pid)[1]), []).append(pid)
        found: list[int] = []
        waiting = [self._process.pid]
        while waiting:
            found.append(waiting.pop())
            waiting += children.get(found[-1], [])
        return found


def _stat(pid: int) -> list[str]:
    """Return the columns of a process after its name: its state, its parent and so on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _cpu_seconds(pid: int) -> float:
    with suppress(OSError):
        columns = _stat(pid)
        return (int(columns[11]) + int(columns[12])) / _TICKS
    return 0.0


def _megabytes(pid: int, name: str) -> float:
    with suppress(OSError):
        found = re.search(rf"{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


def busy_seconds() -> float:
    """Return the CPU time that all programs of the machine used so far."""
    user, nice, kernel, _idle, _waiting, *others = Path("/proc/stat").read_text().split()[1:9]
    return sum(map(int, (user, nice, kernel, *others))) / _TICKS


def free_port() -> int:
    """Return a port that is free at the moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def running(  # noqa: PLR0913 - the parts of starting a program
    command: Sequence[str],
    *,
    core: int,
    log: Path,
    ready: str,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Program]:
    """Run a program on one core within the block, from when a GET of `ready` is answered."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as written:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
        )
    program = Program(process)
    try:
        _wait(program, ready, log)
        yield program
    finally:
        program.stop()


def _wait(program: Program, ready: str, log: Path) -> None:
    last = time.monotonic() + _PATIENCE
    while time.monotonic() < last and not program.ended:
        with suppress(httpx.TransportError):
            httpx.get(ready, timeout=5)
            return
        time.sleep(0.05)
    raise RuntimeError(f"A program did not start; {log.name} may say why.")
