"""The documented nginx configuration, in front of a running gateway."""

import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from cli.commands import PATIENCE, serving
from waiting import until_seen

PAGE = Path(__file__).parents[2] / "docs" / "proxies.md"
ASKED = {"query": "{ groups(first: 1) { nodes { id } } }"}
BEARER = {"authorization": "Bearer sandbox"}


def answers(port: int) -> bool:
    """Return whether somebody listens at a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the gateway behind nginx, by the configuration on the page; give its address."""
    folder = tmp_path_factory.mktemp("nginx")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    made = [*new, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    with serving("sandbox", "--port", "0") as server:
        match = re.search(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
        assert match is not None
        text = match[1].replace("127.0.0.1:8000", server.url.removeprefix("http://"))
        text = text.replace("443 ssl", f"127.0.0.1:{port} ssl")
        text = text.replace("/etc/ssl/gateway.pem", str(certificate))
        text = text.replace("/etc/ssl/gateway.key", str(key))
        head = f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{ }}"
        configuration = folder / "nginx.conf"
        configuration.write_text(f"{head}\nhttp {{ access_log off;\n{text}\n}}")
        with subprocess.Popen(["nginx", "-p", str(folder), "-c", str(configuration)]) as nginx:
            try:
                until_seen(lambda: answers(port))
                yield f"https://localhost:{port}/groups"
            finally:
                nginx.terminate()


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
    """A page at the proxy's address may open a WebSocket."""
    context = ssl._create_unverified_context()  # noqa: S323, SLF001 - its own certificate
    origin = proxied.removesuffix("/groups")
    url = f"wss{proxied.removeprefix('https')}/graphql"
    options = {"ssl": context, "origin": origin, "subprotocols": ["graphql-transport-ws"]}
    with connect(url, **options) as talk:
        talk.send('{"type":"connection_init","payload":{"Authorization":"Bearer sandbox"}}')
        assert talk.recv() == '{"type":"connection_ack"}'
