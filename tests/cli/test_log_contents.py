"""What a gateway says of those it serves: nothing, on any path, where anybody could read it."""

import json
from pathlib import Path

import httpx
import pytest
from redis import Redis

from cli.commands import serving
from cli.test_serve import ANY_PORT
from redis_server import redis_server

TOKEN = "sandbox"
STRANGER = "token-of-a-stranger"
NAME = "Wilhelmina Quackenbush"
PATIENT = "5350cd20de8a470aa570a852859ac87e"
CREATE = f"""mutation {{ createGroup(input: {{
    type: PERSON, name: "{NAME}", member: [{{reference: "Patient/{PATIENT}"}}]
}}) {{ group {{ id name }} issues {{ code }} }} }}"""
REQUESTS = [
    CREATE,
    "{ groups(first: 100) { nodes { id name member { entity { reference display } } } } }",
    f'{{ groups(filter: {{patient: "{PATIENT}"}}) {{ totalCount nodes {{ name }} }} }}',
    f'{{ group(id: "{PATIENT}") {{ name }} }}',
    f'{{ group(id: "../{NAME}") {{ name }} }}',
    f'{{ {NAME.replace(" ", "")}(id: "{PATIENT}") }}',
    f'{{ group(id: "{PATIENT}"',
]


def ask(url: str, query: str, token: str) -> httpx.Response:
    """Send a query."""
    headers = {"authorization": f"Bearer {token}"}
    return httpx.post(f"{url}/graphql", json={"query": query}, headers=headers, timeout=60)


@pytest.mark.parametrize("logged", ["failed", "all"])
def test_nothing_is_said_of_anybody(tmp_path: Path, logged: str) -> None:
    """Names, ids and tokens of requests that went well and wrong are nowhere but in the answers."""
    settings = {"log_requests": logged, "secret": "0123456789abcdef"}
    with (
        redis_server(tmp_path) as redis,
        serving("sandbox", "--upstream-only", *ANY_PORT) as upstream,
        serving(
            "serve", *ANY_PORT, upstream_url=upstream.url, cache_url=redis.url, **settings
        ) as server,
    ):
        created = ask(server.url, CREATE, TOKEN).json()["data"]["createGroup"]["group"]["id"]
        for token in (TOKEN, STRANGER):
            for query in (*REQUESTS, f'{{ group(id: "{created}") {{ name }} }}'):
                ask(server.url, query, token)
        upstream.end()
        for query in REQUESTS:
            answer = ask(server.url, query.replace("{ ", "{ __typename ", 1), TOKEN)
            assert STRANGER not in answer.text
        metrics = httpx.get(f"{server.url}/metrics", timeout=60).text
        keys = b" ".join(keys_of(redis.url)).decode("latin-1")
        ended = server.end()
    assert keys
    lines = [json.loads(line) for line in ended.err.splitlines()]
    assert [line for line in lines if line.get("outcome") == "errors"]
    seeds = (NAME, NAME.split(maxsplit=1)[0], PATIENT, created, STRANGER, f"Bearer {TOKEN}")
    for said in (ended.out, ended.err, metrics, keys):
        assert [seed for seed in seeds if seed in said] == []


def test_a_log_that_nobody_reads() -> None:
    """A full pipe delays no request, and no line is lost once the pipe is read."""
    with (
        serving("sandbox", *ANY_PORT, log_requests="all") as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        for number in range(1500):
            answer = client.post("/graphql", json={"query": f"{{ a{number}: __typename }}"})
            assert answer.status_code == 200
        lines = server.end().err.splitlines()
    assert len(lines) == 1500
    assert all(json.loads(line)["outcome"] == "complete" for line in lines)


def keys_of(url: str) -> list[bytes]:
    """Return all keys of a Redis."""
    with Redis.from_url(url) as client:
        return list(client.scan_iter())
