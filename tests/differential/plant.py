"""Plants bugs in copies of the package, one at a time, and shows what the differential test finds.

`python -m differential.plant --help`, from `tests`.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

import group_gateway
from differential.bugs import BUGS, Bug

_PACKAGE = Path(group_gateway.__file__).parent
_TESTS = Path(__file__).parent.parent
_UNMEASURED = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
"""The environment without the request to measure coverage, which bugs would spoil."""
_FOUND = re.compile(r"^(?P<what>.+): seed ", re.MULTILINE)
_OPERATIONS = re.compile(r"^(\d+) operations asked", re.MULTILINE)


class NotPlanted(Exception):
    """The text that a bug replaces does not stand exactly once where it should."""


@dataclass(frozen=True)
class Finding:
    """The result for a planted bug: what differed, if anything, and after how many operations."""

    bug: Bug
    what: str | None
    operations: int
    seconds: float

    def __str__(self) -> str:
        found = f"found: {self.what}" if self.what else "NOT FOUND"
        return f"{self.bug.name:55} {found:30} {self.operations:6} operations {self.seconds:4.0f} s"


def plant(bug: Bug, folder: Path) -> None:
    """Copy the package into a folder, with the bug in it. Raises NotPlanted."""
    copy = folder / _PACKAGE.name
    shutil.copytree(
        _PACKAGE, copy, copy_function=os.symlink, ignore=shutil.ignore_patterns("__pycache__")
    )
    module = copy / bug.module
    text = module.read_text()
    if text.count(bug.right) != 1:
        raise NotPlanted(f"{bug.name}: {bug.module} has changed; change the bug as well")
    module.unlink()
    module.write_text(text.replace(bug.right, bug.wrong))


DIFFERENTIAL = ("differential.run", "--operations")


def hunt(
    bug: Bug, *, operations: int, seed: int, run_by: tuple[str, str] = DIFFERENTIAL
) -> Finding:
    """Run a random test on a package with the bug, until it is found: the differential one.

    `run_by` is another test's module, and its flag for how much is tried.
    """
    module, how_many = run_by
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        plant(bug, Path(folder))
        run = subprocess.run(
            [
                *(sys.executable, "-m", module),
                *(how_many, str(operations), "--seed", str(seed)),
            ],
            env={**_UNMEASURED, "PYTHONPATH": f"{folder}{os.pathsep}{_TESTS}"},
            capture_output=True,
            text=True,
            check=False,
        )
    done = _OPERATIONS.search(run.stdout)
    if done is None:
        raise RuntimeError(f"{bug.name}: the run ended with {run.returncode}\n{run.stderr}")
    found = _FOUND.search(run.stdout)
    what = found["what"] if found else None
    return Finding(bug, what, int(done[1]), time.monotonic() - began)


def report(search: Callable[[Bug], Finding], bugs: Sequence[Bug]) -> NoReturn:
    """Hunt the bugs in parallel, print the results, and exit: with 1 if one was not found."""
    missed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for finding in pool.map(search, bugs):
            sys.stdout.write(f"{finding}\n")
            sys.stdout.flush()
            missed += finding.what is None
    sys.stdout.write(f"{len(bugs) - missed} of {len(bugs)} planted bugs found\n")
    sys.exit(1 if missed else 0)


def main() -> None:
    """Plant all bugs, print the result of each, and fail if one was not found."""
    parser = argparse.ArgumentParser(prog="python -m differential.plant", description=__doc__)
    parser.add_argument("--operations", type=int, default=20_000, help="at most, for each (20,000)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (1)")
    parser.add_argument("--only", default="", help="only bugs whose name holds this")
    chosen = parser.parse_args()
    bugs = [bug for bug in BUGS if chosen.only in bug.name]
    search = partial(hunt, operations=chosen.operations, seed=chosen.seed)
    report(search, bugs)


if __name__ == "__main__":
    main()
