"""Replicas that share a Redis, in front of one sandbox. Used by `events` and `staleness`."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from bench.gateway import redis
from bench.system import LOAD_CORE, SERVER_CORE, free_port, running


@contextmanager
def replicas(work: Path, count: int) -> Iterator[list[str]]:
    """Run the sandbox and `count` gateways within the block; yield the gateways' addresses."""
    with ExitStack() as stack:

        def started(ready: str, *words: str, **settings: str) -> str:
            port = str(free_port())
            url = f"http://127.0.0.1:{port}"
            program = running(
                [sys.executable, "-m", "group_gateway", *words, "--port", port],
                core=LOAD_CORE if words[0] == "sandbox" else SERVER_CORE,
                log=work / f"{words[0]}-{port}.log",
                ready=url + ready,
                cwd=work,  # where no .env file is
                environment={f"GROUP_GATEWAY_{name}": value for name, value in settings.items()},
            )
            stack.enter_context(program)
            return url

        upstream = started("/metadata", "sandbox", "--upstream-only")
        httpx.put(f"{upstream}/sandbox/quirks", json={"etag": True}).raise_for_status()
        settings = {
            "CACHE_URL": stack.enter_context(redis()),
            "SECRET": "a-secret-of-the-measurements",
            "SUBSCRIPTIONS": "on",
            "UPSTREAM_URL": upstream,
        }
        yield [started("/livez", "serve", **settings) + "/graphql" for _ in range(count)]
