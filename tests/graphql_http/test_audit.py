"""The GraphQL over HTTP working group's own audit suite, against a gateway as users start it."""

import json
import subprocess
from pathlib import Path

from cli.commands import serving
from upstreams.processes import NODE, install_packages

HERE = Path(__file__).parent
AUDITS = 61


def test_all_audits_pass() -> None:
    """`graphql-http`'s audits are all passed: the musts, the shoulds and the mays."""
    install_packages(HERE)
    with serving("sandbox", "--port", "0") as server:
        audit = [str(NODE), str(HERE / "audit.mjs"), f"{server.url}/graphql"]
        done = subprocess.run(audit, capture_output=True, text=True, check=True, timeout=60)
    results = json.loads(done.stdout)
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS
