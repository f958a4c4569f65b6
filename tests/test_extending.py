"""The additions that the documentation shows of extending the gateway work as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
PAGE = (ROOT / "docs/extending.md").read_text()
ADDITION = re.compile(r"^--- src/(.+)\n((?:^ .*\n)+)((?:^\+.*\n)+)", re.MULTILINE)


def additions() -> Iterator[tuple[str, str, str]]:
    """Yield the files of the additions, each with what is there and what is to follow it."""
    for file, before, after in ADDITION.findall(PAGE):
        yield file, *(re.sub("^[ +]", "", text, flags=re.MULTILINE) for text in (before, after))


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of a copy of the package with the additions."""
    folder = tmp_path_factory.mktemp("extended")
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(
        ROOT / "src/group_gateway",
        folder / "group_gateway",
        copy_function=os.symlink,
        ignore=unwanted,
    )
    for file, before, after in additions():
        module = folder / file
        text = module.read_text()
        assert text.count(before) == 1, f"{file} has changed; change docs/extending.md as well"
        module.unlink()
        module.write_text(text.replace(before, before + after))
    path = os.pathsep.join(map(str, (folder, TESTS)))
    return {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYTEST"))} | {
        "PYTHONPATH": path
    }


def run(environment: dict[str, str], *arguments: str) -> str:
    """Run Python on the extended package; it must end well. Return what it printed."""
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_few_files() -> None:
    """An element and a filter take three files of the source each."""
    files = [
        {file for file, *_ in ADDITION.findall(part)} for part in PAGE.split("## Add a filter")
    ]
    assert list(map(len, files)) == [3, 3]


def test_the_additions_work(extended: dict[str, str]) -> None:
    """The element is written, merged, cleared and searched by."""
    run(extended, "extended")


def test_the_table_holds_with_the_addition(extended: dict[str, str]) -> None:
    """All that is tested of each element holds for the new one, but in what knows no table."""
    printed = run(
        extended,
        "pytest",
        "-v",
        "tests/gateway/test_elements.py",
        "-k",
        "not drawn",
        "-p",
        "no:cacheprovider",
    )
    assert re.search(r"test_an_element_is_merged\[.*description.*\] PASSED", printed)
