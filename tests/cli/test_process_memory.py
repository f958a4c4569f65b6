"""What a process that serves leaves mapped between requests."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from cli.commands import PATIENCE, serving
from cli.test_serve import ANY_PORT
from gateway.answering import make_group

MEMBERS = [{"entity": {"reference": f"Patient/{number:032x}"}} for number in range(10_000)]
BODY = json.dumps(make_group("large", member=MEMBERS)).encode()
QUESTION = {"query": '{ group(id: "large") { member { entity { reference } } } }'}
SETTINGS = {"cache_ttl": "0", "compiled": "true"}
"""Without plans the group would be decoded into many more objects."""
WARM = 20
"""Requests after which a process has all memory that it takes to answer another one."""
PAGES = len(BODY) // 4096


class Upstream(http.server.BaseHTTPRequestHandler):
    """A FHIR server of one large group."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the group."""
        self.send_response(200)
        self.send_header("content-length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@contextmanager
def upstream() -> Iterator[str]:
    """Serve the group within the block; yield the address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def page_faults(pid: int) -> int:
    """Return how many pages the system has mapped for a process so far."""
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[7])


def test_a_large_body_finds_the_memory_of_the_one_before() -> None:
    """A process takes memory from the system once, not anew for each large body."""
    with (
        upstream() as url,
        serving("serve", *ANY_PORT, "--no-upstream-check", upstream_url=url, **SETTINGS) as ours,
        httpx.Client(headers={"authorization": "Bearer a", "accept-encoding": "identity"}) as web,
    ):
        faults = []
        for _ in range(2 * WARM):
            faults.append(page_faults(ours.process.pid))
            answer = web.post(f"{ours.url}/graphql", json=QUESTION, timeout=PATIENCE)
            assert b'"errors"' not in answer.content
    assert faults[-1] - faults[WARM] < PAGES
