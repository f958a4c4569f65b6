"""The documented configurations of proxies, each in front of a running gateway."""

import re
import socket
import ssl
import subprocess
from pathlib import Path

import httpx
from websockets.sync.client import connect

from cli.commands import PATIENCE, serving
from processes import running
from waiting import until_seen

ASKED = {"query": "{ groups(first: 1) { nodes { id } } }"}
BEARER = {"authorization": "Bearer sandbox"}


def test_requests_pages_and_event_streams(proxied: str) -> None:
    """Requests, GraphiQL's page with its files, and events go through, each below the prefix."""
    stream = {"query": "subscription { groupsChanged { id } }"}
    with httpx.Client(verify=False, timeout=PATIENCE) as http:  # noqa: S501 - its own certificate
        answer = http.post(f"{proxied}/graphql", json=ASKED, headers=BEARER)
        assert len(answer.json()["data"]["groups"]["nodes"]) == 1
        page = http.get(f"{proxied}/graphql", headers={"accept": "text/html"})
        for name in re.findall(r'(?:src|href)="(graphql/[^"]+)"', page.text):
            assert http.get(f"{proxied}/{name}").status_code == 200
        headers = {**BEARER, "accept": "text/event-stream"}
        with http.stream("POST", f"{proxied}/graphql", json=stream, headers=headers) as events:
            assert next(events.iter_bytes()).startswith(b":")


def test_http_2(proxied: str) -> None:
    """A client of HTTP/2 is answered."""
    sent = ["-d", '{"query": "{ __typename }"}', "-H", "content-type: application/json"]
    command = ["curl", "-sk", "--http2", "-w", " %{http_version}", f"{proxied}/graphql", *sent]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == '{"data":{"__typename":"Query"}} 2'


def test_websockets_of_the_proxys_own_pages(proxied: str) -> None:
    """A page at the proxy's address may open a WebSocket and subscribe."""
    context = ssl._create_unverified_context()  # noqa: S323, SLF001 - its own certificate
    origin = proxied.removesuffix("/groups")
    url = f"wss{proxied.removeprefix('https')}/graphql"
    options = {"ssl": context, "origin": origin, "subprotocols": ["graphql-transport-ws"]}
    with connect(url, **options) as talk:
        talk.send('{"type":"connection_init","payload":{"Authorization":"Bearer sandbox"}}')
        assert talk.recv() == '{"type":"connection_ack"}'
        talk.send(
            '{"id":"1","type":"subscribe","payload":{"query":"subscription{groupsChanged{id}}"}}'
        )
        talk.send('{"type":"ping"}')
        assert talk.recv() == '{"type":"pong"}'


CHECKING = """
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend public
    bind 127.0.0.1:{port}
    stats enable
    stats uri /stats
    default_backend group_gateway
backend group_gateway
    option httpchk
    server gateway {gateway} check inter 50
"""


def test_haproxys_own_check(tmp_path: Path) -> None:
    """HAProxy's check as it is without a path, OPTIONS by HTTP/1.0 without a Host, succeeds."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    configuration = tmp_path / "haproxy.cfg"
    stats = f"http://127.0.0.1:{port}/stats;csv"

    def check() -> str:
        try:
            lines = httpx.get(stats, timeout=PATIENCE).text.splitlines()
        except httpx.TransportError:
            return ""  # it does not listen yet
        names = lines[0].removeprefix("# ").split(",")
        row = next(line for line in lines if line.startswith("group_gateway,gateway,"))
        state = dict(zip(names, row.split(","), strict=False))
        last = state["check_status"].removeprefix("* ")  # which marks that the next is under way
        return last + state["check_code"]

    with serving("sandbox", "--port", "0") as server:
        gateway = server.url.removeprefix("http://")
        configuration.write_text(CHECKING.format(port=port, gateway=gateway))
        with running(["haproxy", "-db", "-f", str(configuration)]):
            until_seen(lambda: check().startswith("L7"))
            assert check() == "L7OK204"
