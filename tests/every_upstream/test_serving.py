"""The command, as a process of its own, in front of each upstream."""

import os
import subprocess
import sys

import httpx
import pytest

from every_upstream.documents import GROUP, GROUPS, UPDATE
from frontdoor import MODE, Gateway
from processes import running
from upstreams.seeding import group as make_group


@pytest.fixture
def served(upstream, tmp_path):
    """Run `group-gateway serve` and return its address; it must stop at the end."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GROUP_GATEWAY_")}
    command = (sys.executable, "-m", "group_gateway", "serve", "--port", "0")
    with running(
        command,
        env={**kept, **MODE, "GROUP_GATEWAY_UPSTREAM_URL": upstream.url},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1].removesuffix("/graphql")
        process.terminate()
        assert process.wait(10) in {0, -15}


async def test_a_served_gateway(served, fhir, seeded):
    """What `serve` serves reads, pages, and writes."""
    id = await fhir.create(make_group("Served", "Patient", [1, 2]))
    async with httpx.AsyncClient(base_url=served) as http:
        gateway = Gateway(http)
        assert (await gateway.data(GROUP, id=seeded.teams[0]))["group"]["name"] == "Team 0"
        page = (await gateway.data(GROUPS, first=3))["groups"]
        assert (len(page["edges"]), page["pageInfo"]["hasNextPage"]) == (3, True)
        payload = (await gateway.data(UPDATE, input={"id": id, "name": "Renamed"}))["updateGroup"]
        assert (payload["issues"], payload["group"]["name"]) == ([], "Renamed")
    assert (await fhir.read(id))["name"] == "Renamed"
