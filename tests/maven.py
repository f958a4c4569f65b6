"""Java programs of the tests, built by Maven: once for each state of their folder.

`python tests/maven.py FOLDER...` builds them before the tests do. Without a JDK and Maven, or with
`TEST_WITHOUT_MAVEN=1` in the environment, the tests that need them do not run, and say so.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

BUILD_SECONDS = 900


def works() -> bool:
    """Return whether Java programs can be built and run here."""
    wanted = os.environ.get("TEST_WITHOUT_MAVEN") != "1"
    return wanted and all(shutil.which(command) for command in ("java", "mvn"))


def build(project: Path) -> Path:
    """Build a project unless that was done before, and return the folder of what was built.

    Two test runs in one tree must not build at once: the second waits and finds it done.
    """
    target = project / "target"
    target.mkdir(exist_ok=True)
    stamp = target / ".built-from"
    with (project / "pom.xml").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = _digest(project)
        if not stamp.exists() or stamp.read_text() != state or not _all_there(target):
            _run_maven(project)
            stamp.write_text(state)
    return target


def java_command(project: Path, main_class: str) -> Sequence[str]:
    """Return the command that runs a class of a project, which is built before."""
    target = build(project)
    classpath = f"{target / 'classes'}:{(target / 'classpath').read_text().strip()}"
    return ("java", "-Xmx1g", "-cp", classpath, main_class)


def _run_maven(project: Path) -> None:
    command = ["mvn", "-B", "-q", "-ntp", "-C", "process-classes"]
    done = subprocess.run(
        command, cwd=project, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS
    )
    if done.returncode:
        raise RuntimeError(f"Maven could not build {project.name}:\n{done.stdout[-3000:]}")


def _digest(project: Path) -> str:
    digest = hashlib.sha256()
    for file in (project / "pom.xml", *sorted((project / "src").rglob("*"))):
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _all_there(target: Path) -> bool:
    """Return whether the jars that were built with are still in Maven's own repository."""
    classpath = target / "classpath"
    return not classpath.exists() or all(
        Path(jar).exists() for jar in classpath.read_text().strip().split(":")
    )


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        build(Path(folder))
