"""Writes the reference pages of the documentation: `.ci/reference`."""

from pathlib import Path

from reference_pages import commands, errors, limits, metrics, settings

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
PAGES = {
    "cli.md": commands.page,
    "errors.md": errors.page,
    "limits.md": limits.page,
    "metrics.md": metrics.page,
    "settings.md": settings.page,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())
