"""Installs the rivals into a folder outside the repository. Used by `rivals`.

What is there already is left alone, so a second run takes no time.
"""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import msgspec

PEERS = Path(__file__).with_name("peers")
TAILCALL = "node_modules/@tailcallhq/core-linux-x64-gnu/bin/tailcall"
GLIBC = "glibc/usr/lib/x86_64-linux-gnu"


class Missing(RuntimeError):
    """A program that the measurements need is not installed; the text says which."""


def need(programs: Iterable[str]) -> None:
    """Raise Missing unless all programs are there."""
    absent = [program for program in programs if shutil.which(program) is None]
    if absent:
        raise Missing(f"Install {', '.join(absent)} (Debian: nginx-light, wrk, nodejs, npm).")


def install(work: Path, folders: Iterable[str]) -> None:
    """Install the rivals of these folders of `peers` below `work`."""
    need(["node", "npm"])
    for name in folders:
        folder = work / name
        shutil.copytree(PEERS / name, folder, dirs_exist_ok=True)
        if not (folder / "node_modules").exists():
            _run(folder, "npm", "install", "--no-audit", "--no-fund", "--loglevel=error")
        finish = _FINISHES.get(name)
        if finish is not None:
            finish(folder)


def installed_versions(work: Path, folders: Iterable[str]) -> dict[str, str]:
    """Return the versions of what a rival's package.json names."""
    versions = {}
    for name in folders:
        wanted = msgspec.json.decode((PEERS / name / "package.json").read_bytes())
        for package in wanted["dependencies"]:
            manifest = work / name / "node_modules" / package / "package.json"
            versions[package] = msgspec.json.decode(manifest.read_bytes())["version"]
    return versions


def _tailcall(folder: Path) -> None:
    if (folder / GLIBC).exists():
        return
    tried = subprocess.run([folder / TAILCALL, "--version"], capture_output=True, check=False)
    if tried.returncode != 0:
        _run(folder, "sh", "glibc.sh")


def _hive(folder: Path) -> None:
    if not (folder / "supergraph.graphql").exists():
        config = ("-c", "mesh.config.mjs", "-o", "supergraph.graphql")
        _run(folder, "npx", "mesh-compose", *config)


_FINISHES = {"tailcall": _tailcall, "hive": _hive}


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True)
