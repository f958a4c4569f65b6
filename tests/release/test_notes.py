"""The changelog is the text of a release."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()


def notes(version: str) -> subprocess.CompletedProcess[str]:
    """Run the script that prints a version's notes."""
    script = [sys.executable, ".ci/release_notes.py", version, "CHANGELOG.md"]
    return subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_notes_are_the_section_of_the_version() -> None:
    """Each version's text is what stands below its heading, and nothing of another's."""
    versions = re.findall(r"^## \[(\d[^\]]*)\]", CHANGELOG, re.MULTILINE)
    assert versions
    for version in versions:
        done = notes(version)
        assert done.returncode == 0
        text = done.stdout.strip()
        assert f"## [{version}]" in CHANGELOG.split(text)[0].splitlines()[-2]
        assert "\n## " not in text


def test_a_version_without_a_section_is_not_released() -> None:
    """A release that the changelog says nothing about ends at once."""
    done = notes("9.9.9")
    assert (done.returncode, done.stdout) == (1, "")
    assert "9.9.9" in done.stderr
