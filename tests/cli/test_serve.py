"""`group-gateway serve` in front of real upstreams, reachable and not, with one worker and two."""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cli.commands import COMMAND, NOWHERE, PATIENCE, Server, ask, run, serving
from cli.failing import Failing
from cli.packets import fewest_packets
from cli.test_sandbox import name_of
from cli.wrong_servers import HOST, page, pipeline, self_signed

ANY_PORT = ("--port", "0")
DEAD = "http://127.0.0.1:1"
REFUSED = (
    "the upstream can't be reached: Nothing takes connections at 127.0.0.1 port 1."
    " Check the host and the port in GROUP_GATEWAY_UPSTREAM_URL, and that the server runs."
)
OWN_CACHES = (
    "group-gateway: warning: each worker has a cache of its own, so what one writes others may"
    " show up to 30 s later; GROUP_GATEWAY_CACHE_URL=redis://… shares it.\n"
)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Server]:
    """Run the sandbox's FHIR server for the tests of this file."""
    with serving("sandbox", "--upstream-only", *ANY_PORT) as server:
        yield server


def test_needs_an_upstream(failing: Failing) -> None:
    """Without an upstream it says which setting is missing."""
    assert failing("serve") == (
        "serve needs an upstream: set GROUP_GATEWAY_UPSTREAM_URL or --upstream-url to the base"
        " URL of a FHIR server (`group-gateway sandbox` brings its own)."
    )


def test_head_and_body_arrive_in_one_packet(upstream: Server) -> None:
    """A response that was executed is written in one system call, as a ready one is."""
    with serving("serve", *ANY_PORT, upstream_url=upstream.url) as server:
        assert fewest_packets(server.url, 8) == 1


@pytest.mark.parametrize("flags", [(), ("--workers", "2")], ids=["one", "two workers"])
def test_serves(upstream: Server, flags: tuple[str, ...]) -> None:
    """One setting names the server; the first line has the gateway's address."""
    with serving("serve", *ANY_PORT, *flags, upstream_url=upstream.url) as server:
        assert server.line == f"group-gateway is at {server.url}/graphql\n"
        assert name_of(server.url) == "Test Group"


@pytest.mark.parametrize(
    ("by", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "Ctrl-C"]
)
def test_ends_quietly(upstream: Server, by: signal.Signals, status: int) -> None:
    """A signal ends it without any output on stderr."""
    with serving("serve", *ANY_PORT, upstream_url=upstream.url) as server:
        assert ask("GET", f"{server.url}/livez").status_code == 200
        ended = server.end(by)
        assert (ended.status, ended.err) == (status, "")


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_workers_end_quietly(upstream: Server, by: signal.Signals) -> None:
    """A signal ends the workers as well; all that is said is that their caches are their own."""
    with serving("serve", *ANY_PORT, "--workers", "2", upstream_url=upstream.url) as server:
        assert name_of(server.url) == "Test Group"
        ended = server.end(by)
        assert (ended.status, ended.err) == (0 if by is signal.SIGTERM else 130, OWN_CACHES)
        with pytest.raises(httpx.ConnectError):  # a worker that was left would answer
            ask("GET", f"{server.url}/livez")


def test_request_under_way_is_answered_before_the_end(upstream: Server) -> None:
    """A SIGTERM lets a request finish that the upstream is slow to answer."""
    ask("DELETE", f"{upstream.url}/sandbox/requests").raise_for_status()
    ask("PUT", f"{upstream.url}/sandbox/quirks", json={"latency_ms": 1000}).raise_for_status()
    try:
        with serving("serve", *ANY_PORT, upstream_url=upstream.url) as server:
            names: list[str] = []
            asking = threading.Thread(target=lambda: names.append(name_of(server.url)))
            asking.start()
            while not reads(upstream):
                pass
            assert server.end().status == 0
            asking.join()
            assert names == ["Test Group"]
    finally:
        ask("DELETE", f"{upstream.url}/sandbox/quirks")


def reads(upstream: Server) -> list[str]:
    """Return the reads of groups that reached the upstream."""
    log = ask("GET", f"{upstream.url}/sandbox/requests").json()["requests"]
    return [entry["path"] for entry in log if entry["path"].startswith("/Group/")]


def test_busy_port(upstream: Server, failing: Failing) -> None:
    """A port that is taken is one sentence."""
    port = upstream.url.rpartition(":")[2]
    assert failing("serve", "--port", port, upstream_url=upstream.url) == (
        f"can't listen on 127.0.0.1 port {port}: address already in use."
        " Choose another with --port."
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_unreachable_upstream(workers: str) -> None:
    """An upstream that takes no connections is one sentence, and nothing is served."""
    assert run("serve", *ANY_PORT, upstream_url=DEAD, workers=workers).sentence == REFUSED


def test_no_folder_for_temporary_files(upstream: Server) -> None:
    """Several workers need one; where no file may have a byte, the sentence says how to get one."""
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *COMMAND, "serve", *ANY_PORT, "--workers=2"],
        env={**os.environ, "GROUP_GATEWAY_UPSTREAM_URL": upstream.url},
        cwd=NOWHERE, capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 1
    # What measures coverage can't write either, and complains after it.
    assert done.stderr.removeprefix(OWN_CACHES).startswith(
        "group-gateway: several workers need a folder for temporary files, and none can be written;"
        " mount one at /tmp, or name one in TMPDIR.\n"
    )


def test_an_address_that_is_not_here(upstream: Server, failing: Failing) -> None:
    """The setting to change is the one that was wrong: that of the port for metrics has its own."""
    upstream_url = ("--upstream-url", upstream.url)
    sentence = failing("serve", *ANY_PORT, *upstream_url, admin_host="192.0.2.1", admin_port="9464")
    assert sentence.endswith("Choose another with GROUP_GATEWAY_ADMIN_HOST.")


def test_unknown_name(failing: Failing) -> None:
    """A host name that does not exist is reported as such."""
    sentence = failing("serve", *ANY_PORT, "--upstream-url", "http://fumage.invalid")
    assert sentence.startswith(
        "the upstream can't be reached: The name fumage.invalid can't be resolved."
    )


def test_untrusted_certificate(tmp_path: Path) -> None:
    """An untrusted certificate is reported, and is trusted once the settings name its CA."""
    tls, ca_file = self_signed(tmp_path)
    with pipeline(lambda _: page("404 Not Found"), tls=tls) as url:
        assert run("serve", *ANY_PORT, upstream_url=url).sentence == (
            "the upstream can't be reached: The certificate of 127.0.0.1 is not trusted"
            " (self-signed certificate). If the server has a CA of its own, name its PEM file in"
            " GROUP_GATEWAY_UPSTREAM_CA_FILE."
        )
        trusting = {"upstream_url": url, "upstream_ca_file": str(ca_file)}
        with serving("serve", *ANY_PORT, **trusting) as server:
            assert ask("GET", f"{server.url}/livez").status_code == 200


def test_silent_upstream(failing: Failing) -> None:
    """An upstream that accepts a connection and never responds is reported after a timeout."""
    with pipeline(lambda _: b"") as url:
        sentence = failing("serve", *ANY_PORT, upstream_url=url, upstream_timeout="0.2")
        assert sentence.startswith(
            "the upstream can't be reached:"
            " 127.0.0.1 took the connection but did not answer within 0.2 seconds."
        )


@pytest.mark.parametrize("way", ["flag", "setting"])
def test_start_without_the_upstream(way: str) -> None:
    """With the check off it starts before its upstream does, and is ready once that responds."""
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    flags = ("--no-upstream-check",) if way == "flag" else ()
    settings = {"upstream_check": "no"} if way == "setting" else {}
    url = f"http://{HOST}:{port}"
    with serving("serve", *ANY_PORT, *flags, upstream_url=url, **settings) as server:
        assert ask("GET", f"{server.url}/livez").status_code == 200
        assert ask("GET", f"{server.url}/readyz").status_code == 503
        with serving("sandbox", "--upstream-only", "--port", str(port)):
            assert ask("GET", f"{server.url}/readyz").status_code == 200
            assert name_of(server.url) == "Test Group"


def test_upstream_that_is_no_fhir_server() -> None:
    """A web server that is reached but is no FHIR server is a warning: it may become one."""
    with (
        pipeline(lambda _: page("404 Not Found")) as url,
        serving("serve", *ANY_PORT, upstream_url=url) as server,
    ):
        assert server.end().err == (
            "group-gateway: warning: The base URL is not a FHIR server's: the answer is a web page,"
            " status 404. GROUP_GATEWAY_UPSTREAM_URL is what stands before /metadata and /Group,"
            " such as https://fumage-<instance>.canvasmedical.com or https://<host>/fhir.\n"
        )
