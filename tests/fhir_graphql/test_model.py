"""The model of FHIR's types is what the generator makes of FHIR's own definitions."""

import subprocess
import sys
from pathlib import Path

from nodejs import install_packages

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "src/fhir_model"


def test_model_is_generated():
    """The committed model is the generator's, letter by letter."""
    install_packages(FOLDER)
    made = subprocess.run(
        [sys.executable, FOLDER / "generate.py", FOLDER], capture_output=True, check=True
    )
    assert made.stdout == (ROOT / "src/group_gateway/fhir_graphql/model.json").read_bytes()
