"""The GraphQL over HTTP working group's own audit suite, against a gateway as users start it."""

import json
from pathlib import Path

from cli.commands import serving
from nodejs import install_packages, run_node

HERE = Path(__file__).parent
AUDITS = 61


def test_all_audits_pass() -> None:
    """`graphql-http`'s audits are all passed: the musts, the shoulds and the mays."""
    install_packages(HERE)
    with serving("sandbox", "--port", "0") as server:
        results = json.loads(run_node(HERE / "audit.mjs", f"{server.url}/graphql"))
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS
