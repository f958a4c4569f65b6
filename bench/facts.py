"""When, on what and with which versions something was measured. Names no host."""

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

_PACKAGES = (
    "group-gateway",
    "strawberry-graphql",
    "graphql-core",
    "uvicorn",
    "uvloop",
    "httptools",
    "starlette",
    "httpx",
    "msgspec",
    "aiocache",
)
_PROGRAMS = {"nginx": ("-v",), "wrk": ("-v",), "node": ("--version",)}
_FOLDERS = ("--work", "--results")
_VERSION = re.compile(r"\d+(\.\d+)+")


class Facts(msgspec.Struct, frozen=True):
    """What belongs beside every figure."""

    date: str
    command: str
    processor: str
    system: str
    versions: dict[str, str]


def facts() -> Facts:
    """Collect the facts of this run of `python -m bench`."""
    return Facts(
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        command=command(sys.argv[1:]),
        processor=f"{_processor()}, 2 cores used",
        system=f"{platform.system()} {platform.release()}, {_distribution()}",
        versions=_versions(),
    )


def command(arguments: Sequence[str]) -> str:
    """Return the command with these arguments, without the folders in them."""
    before = ["", *arguments]
    told = ["DIR" if a in _FOLDERS else b for a, b in zip(before, arguments, strict=False)]
    return " ".join(["python -m bench", *told])


def _processor() -> str:
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def _distribution() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", "")


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    versions |= {package: version(package) for package in _PACKAGES}
    for program, flags in _PROGRAMS.items():
        if shutil.which(program) is not None:
            done = subprocess.run([program, *flags], capture_output=True, text=True, check=False)
            found = _VERSION.search(done.stdout + done.stderr)
            versions[program] = found[0] if found else "?"
    return versions
