"""The documented clients after a break: they connect again, and have what they missed."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Timer

from cli.commands import PATIENCE, Server, ask, serving
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from nodejs import NODE
from waiting import until_seen

HERE = Path(__file__).parent
CLIENT = HERE.parents[1] / "examples" / "react" / "src" / "client.ts"
[OPTIONS] = re.findall(
    r"^```js\n(.*?)^```$",
    (HERE.parents[1] / "docs" / "subscriptions.md").read_text(),
    re.DOTALL | re.MULTILINE,
)
BEARER = {"authorization": "Bearer sandbox"}


def rename(upstream: str, name: str) -> None:
    """Change the group's name around the gateway."""
    url = f"{upstream}/Group/{TEST_GROUP_ID}"
    group = ask("GET", url, headers=BEARER).json()
    assert ask("PUT", url, headers=BEARER, json={**group, "name": name}).status_code == 200


def rename_here(gateway: str, name: str) -> None:
    """Change the group's name through the gateway."""
    query = (
        "mutation ($input: UpdateGroupInput!) { updateGroup(input: $input) { issues { code } } }"
    )
    body = {"query": query, "variables": {"input": {"id": TEST_GROUP_ID, "name": name}}}
    answer = ask("POST", f"{gateway}/graphql", json=body, headers=BEARER).json()
    assert answer == {"data": {"updateGroup": {"issues": []}}}


@contextmanager
def gateway(upstream: str, port: int) -> Iterator[Server]:
    """Serve a gateway at a port."""
    settings = {"upstream_url": upstream, "subscriptions": "true"}
    with serving("serve", "--port", str(port), **settings) as server:
        yield server


def refuse(port: int) -> None:
    """Accept one connection of a client at the port, and break it off."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(PATIENCE)
        listener.accept()[0].close()


@contextmanager
def page(packages: Path, folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """Run the page with the documented client."""
    (folder / "node_modules").symlink_to(packages / "node_modules")
    shutil.copy(CLIENT, folder / "client.mts")
    shutil.copy(HERE / "reconnect.mjs", folder)
    (folder / "resilient.mjs").write_text(OPTIONS)
    script = [str(NODE), str(folder / "reconnect.mjs"), f"http://127.0.0.1:{port}/graphql"]
    with subprocess.Popen([*script, TEST_GROUP_ID], stdout=subprocess.PIPE, text=True) as process:
        limit = Timer(2 * PATIENCE, process.kill)
        limit.start()
        try:
            yield process
        finally:
            limit.cancel()
            process.kill()


def until_shown(page: subprocess.Popen[str], *lines: str) -> None:
    """Wait until the page has shown all of these."""
    assert page.stdout is not None
    shown = []
    for each in page.stdout:
        shown.append(each.strip())
        if set(lines) <= set(shown):
            return
    raise AssertionError(shown)


def test_a_break(packages: Path, tmp_path: Path) -> None:
    """While no gateway answers a group changes: the list shows it, and events come as before."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    upstream = ("--upstream-only", "--port", "0", "--upstream-port", "0")
    with serving("sandbox", *upstream) as sandbox, ExitStack() as gateways:
        first = gateways.enter_context(gateway(sandbox.url, port))
        shown = gateways.enter_context(page(packages, tmp_path, port))
        until_shown(shown, "list Test Group")
        assert first.end().status == 0
        rename(sandbox.url, "Changed during the break")
        refuse(port)
        second = gateways.enter_context(gateway(sandbox.url, port))
        missed = "Changed during the break"
        until_shown(shown, f"list {missed}", f"read again {missed}")
        until_seen(lambda: "watched_lists 2" in ask("GET", f"{second.url}/metrics").text)
        rename_here(second.url, "Changed afterwards")
        until_shown(shown, "event Changed afterwards", "plain event Changed afterwards")
