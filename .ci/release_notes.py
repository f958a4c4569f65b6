"""Print the changelog's section of a version: the text of its release.

usage: python .ci/release_notes.py VERSION CHANGELOG
"""

import re
import sys
from pathlib import Path


def section(changelog: str, version: str) -> str:
    """Return what stands below the version's heading. Raises SystemExit when nothing does."""
    heading = rf"^## \[{re.escape(version)}\].*?\n(.*?)(?=^## |\Z)"
    found = re.search(heading, changelog, re.DOTALL | re.MULTILINE)
    text = found[1].strip() if found else ""
    if not text:
        raise SystemExit(f"The changelog says nothing about {version}.")
    return text


if __name__ == "__main__":
    sys.stdout.write(section(Path(sys.argv[2]).read_text(), sys.argv[1]) + "\n")
