"""A gateway behind each documented proxy, by the configuration on the page."""

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.commands import serving
from processes import running
from waiting import until_seen

PAGE = Path(__file__).parents[2] / "docs" / "proxies.md"


def documented(language: str) -> str:
    """Return the configuration that the page has for a proxy."""
    match = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert match is not None
    return match[1]


def certify(folder: Path) -> None:
    """Write a certificate of its own and its key, apart and as one file."""
    key, certificate = folder / "gateway.key", folder / "gateway.crt"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    made = [*new, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    (folder / "gateway.pem").write_text(certificate.read_text() + key.read_text())


def nginx(folder: Path, gateway: str, port: int) -> list[str]:
    """Write nginx's configuration; return the command that runs it."""
    text = documented("nginx").replace("127.0.0.1:8000", gateway)
    text = text.replace("443 ssl", f"127.0.0.1:{port} ssl").replace("/etc/ssl", str(folder))
    head = f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{ }}"
    configuration = folder / "nginx.conf"
    configuration.write_text(f"{head}\nhttp {{ access_log off;\n{text}\n}}")
    return ["nginx", "-p", str(folder), "-c", str(configuration)]


def haproxy(folder: Path, gateway: str, port: int) -> list[str]:
    """Write HAProxy's configuration; return the command that runs it."""
    text = documented("haproxy").replace("127.0.0.1:8000", gateway)
    text = text.replace("bind :443", f"bind 127.0.0.1:{port}")
    configuration = folder / "haproxy.cfg"
    configuration.write_text(text.replace("/etc/haproxy", str(folder)))
    return ["haproxy", "-db", "-f", str(configuration)]


def caddy(folder: Path, gateway: str, port: int) -> list[str]:
    """Write Caddy's configuration; return the command that runs it."""
    text = documented("caddyfile").replace("127.0.0.1:8000", gateway)
    site = f"https://localhost:{port} {{\ntls {folder}/gateway.crt {folder}/gateway.key"
    options = "{\nadmin off\nauto_https off\n}"
    configuration = folder / "Caddyfile"
    configuration.write_text(f"{options}\n{text.replace('gateway.example {', site)}")
    folders = [f"{name}={folder}" for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME")]
    return ["env", *folders, "caddy", "run", "--config", str(configuration)]


COMMANDS = {"nginx": nginx, "haproxy": haproxy, "caddy": caddy}


def answers(port: int) -> bool:
    """Return whether a port accepts connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module", params=COMMANDS)
def proxied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Run the gateway behind a proxy; yield its address."""
    folder = tmp_path_factory.mktemp(request.param)
    certify(folder)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    with serving("sandbox", "--port", "0") as server:
        command = COMMANDS[request.param](folder, server.url.removeprefix("http://"), port)
        with running(command):
            until_seen(lambda: answers(port))
            yield f"https://localhost:{port}/groups"
