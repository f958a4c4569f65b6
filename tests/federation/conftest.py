"""A supergraph as a process: the gateway's sandbox, two subgraphs of people, and a router.

The routers are `@apollo/gateway` and Hive Gateway.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.commands import ask, serving
from nodejs import NODE, install_packages
from upstreams.processes import started

HERE = Path(__file__).parent
SCHEMA = HERE.parents[1] / "schema.graphql"
ROUTER_KEY = "the router's own key"


@dataclass(frozen=True)
class Supergraph:
    """A running supergraph: its own address, the gateway's, and that of the gateway's upstream."""

    url: str
    gateway: str
    upstream: str

    def __call__(
        self, query: str, *, token: str | None = "sandbox", trace: bool = False, **variables: Any
    ) -> Any:
        """Send a GraphQL request and return the decoded response, with a trace if requested."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        headers |= {"x-trace": "yes"} if trace else {}
        body = {"query": query, "variables": variables}
        return ask("POST", self.url, json=body, headers=headers).json()

    def data(self, query: str, **variables: Any) -> Any:
        """Send a GraphQL request that must succeed, and return its data."""
        answer = self(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def requests(self) -> float:
        """Count the GraphQL requests that reached the gateway until now."""
        metrics = ask("GET", f"{self.gateway}/metrics").text
        counts = re.findall(r"^group_gateway_requests_total\{.*\} (.+)$", metrics, re.MULTILINE)
        return sum(map(float, counts))

    def start_anew(self) -> None:
        """Reset the upstream to its start; the gateway's cache is off."""
        ask("POST", f"{self.upstream}/sandbox/reset")

    def calls(self) -> list[str]:
        """Return what reached the upstream since it was as at its start, without `/metadata`."""
        log = ask("GET", f"{self.upstream}/sandbox/requests").json()["requests"]
        return [
            f"{entry['path']}?{entry['query']}" for entry in log if entry["path"] != "/metadata"
        ]


@pytest.fixture(scope="session")
def packages() -> Path:
    """Install what the scripts here need, and return their folder."""
    install_packages(HERE)
    return HERE


@pytest.fixture(scope="session", params=["apollo", "hive"])
def started_supergraph(request: pytest.FixtureRequest, packages: Path) -> Iterator[Supergraph]:
    """Run all four servers as long as tests need them, with each of the routers in turn."""
    settings = {"cache_ttl": "0", "router_key": ROUTER_KEY}
    with serving("sandbox", "--port", "0", **settings) as server:
        assert server.process.stdout is not None
        upstream = server.process.stdout.readline().split()[-1]
        script = packages / "supergraph.mjs"
        command = (str(NODE), str(script), request.param, server.url, str(SCHEMA), ROUTER_KEY)
        with started(command) as url:
            yield Supergraph(url, server.url, upstream)


@pytest.fixture
def supergraph(started_supergraph: Supergraph) -> Supergraph:
    """Return a supergraph whose upstream is as at its start."""
    started_supergraph.start_anew()
    return started_supergraph
