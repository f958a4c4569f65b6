"""docs/sandbox.md: what it says to send is taken, and shows what it says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.commands import Server, ask, serving
from group_gateway.sandbox.wellknown import TEST_GROUP_ID, TOKEN

GUIDE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
ROWS = re.findall(r"^\| (.*?) \| `(\{.*\})` \|$", GUIDE, re.MULTILINE)
QUERY = f'{{ group(id: "{TEST_GROUP_ID}") {{ name }} }}'
CHANGE = f"""mutation {{
  updateGroup(input: {{ id: "{TEST_GROUP_ID}", name: "Changed" }}) {{ group {{ name }} }}
}}"""


@pytest.fixture(scope="module")
def started() -> Iterator[tuple[Server, str]]:
    """Run a sandbox without a cache, with a short timeout, without retries or cooldown."""
    patience = {"cache_ttl": "0", "upstream_timeout": "0.5"}
    retries = {"upstream_retries": "0", "upstream_rest": "0"}
    with serving("sandbox", "--port", "0", **patience, **retries) as server:
        assert server.process.stdout is not None
        yield server, server.process.stdout.readline().split()[-1]


@pytest.fixture
def server(started: tuple[Server, str]) -> Server:
    """Return the gateway."""
    return started[0]


@pytest.fixture
def upstream(started: tuple[Server, str]) -> Iterator[str]:
    """Yield the FHIR server's address, and have that as at its start in the end."""
    yield started[1]
    ask("POST", f"{started[1]}/sandbox/reset")


def codes(server: Server, query: str) -> set[str]:
    """Return the codes of an answer's errors."""
    headers = {"authorization": f"Bearer {TOKEN}"}
    answer = ask("POST", f"{server.url}/graphql", json={"query": query}, headers=headers).json()
    return {error["extensions"]["code"] for error in answer.get("errors", [])}


@pytest.mark.parametrize(("promise", "quirks"), ROWS, ids=[row[1] for row in ROWS])
def test_what_the_guide_sends(server: Server, upstream: str, promise: str, quirks: str) -> None:
    """Each row is taken, and a code that it names is what a client gets."""
    assert codes(server, QUERY) == set()
    sent = json.loads(quirks)
    shown = ask("PUT", f"{upstream}/sandbox/quirks", json=sent)
    assert shown.status_code == 200, shown.text
    promised = set(re.findall(r"`([A-Z_]+)`", promise))
    if promised:
        assert codes(server, QUERY) == promised
    for rule in sent.get("faults", ()):
        if rule.get("method") == "PUT":
            assert codes(server, QUERY) == set()
            assert bool(codes(server, CHANGE)) == (rule["kind"] == "status")
