"""`--uds`: the gateway on a Unix socket, as proxies on the same machine use it."""

from pathlib import Path

import httpx
import pytest

from cli.commands import run, serving


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serving_on_a_unix_socket(tmp_path: Path, workers: str) -> None:
    """The gateway answers there with one worker or several, and removes the socket in the end."""
    path = tmp_path / "gateway.sock"
    arguments = ("serve", "--uds", str(path), "--workers", workers, "--no-upstream-check")
    with serving(*arguments, "--upstream-url", "http://127.0.0.1:9") as server:
        assert server.line == f"group-gateway is at unix:{path}:/graphql\n"
        transport = httpx.HTTPTransport(uds=str(path))
        with httpx.Client(transport=transport, base_url="http://x.test", timeout=60) as http:
            answer = http.post("/graphql", json={"query": "{ __typename }"})
            forwarded = {"origin": "https://a.test", "x-forwarded-host": "a.test"}
            asked = {"query": "{ __typename }"}
            page = http.get("/graphql", params=asked, headers=forwarded)
        assert answer.json() == page.json() == {"data": {"__typename": "Query"}}
        taken = run(*arguments, "--upstream-url", "http://127.0.0.1:9").sentence
        assert taken == f"can't listen on the Unix socket {path}: another process does."
        assert server.end().status == 0
    assert not path.exists()
