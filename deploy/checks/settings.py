"""Checks that the gateway takes the settings that the chart renders.

usage: python deploy/checks/settings.py MANIFESTS...
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from group_gateway.config import read_settings


def environment(manifests: list[dict[str, Any]]) -> dict[str, str]:
    """Return the variables that a release's ConfigMap and Secret set."""
    variables: dict[str, str] = {}
    for manifest in manifests:
        values = manifest.get("data", {}) | manifest.get("stringData", {})
        variables |= {k: v for k, v in values.items() if k.startswith("GROUP_GATEWAY_")}
    return variables


def main() -> None:
    """Read the settings of each release; a wrong one raises. Mounted files are empty ones here."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as mounted:
        for file in map(Path, sys.argv[1:]):
            variables = environment(json.loads(file.read_text()))
            here = {k: mounted.name if k.endswith("_FILE") else v for k, v in variables.items()}
            read_settings(here, {})
            print(f"{file.stem}: the gateway takes {len(variables)} settings")


if __name__ == "__main__":
    main()
