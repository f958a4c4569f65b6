"""docs/care-team.md: its blocks are one module, which a page uses against a gateway."""

import re
from pathlib import Path

import httpx

from cli.commands import serving
from nodejs import run_node

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "care-team.md").read_text()
BLOCKS = re.findall(r"^```js\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
ENDPOINT = "http://127.0.0.1:8000/graphql"


def test_the_page(tmp_path: Path) -> None:
    """It lists, pages, searches while somebody types, follows, names, renames and removes."""
    script = tmp_path / "page.mjs"
    with serving("sandbox", "--port", "0", resolve_members="upstream") as server:
        page = "\n".join(BLOCKS).replace(ENDPOINT, f"{server.url}/graphql")
        script.write_text(page + (HERE / "care_team.mjs").read_text())
        run_node(script)


def test_its_command() -> None:
    """The settings that it starts the sandbox with let a page of its address in."""
    [command] = re.findall(r"^```sh\n(.*)\n```$", PAGE, re.MULTILINE)
    *settings, program, name = command.split()
    assert (program, name) == ("group-gateway", "sandbox")
    chosen = dict(setting.removeprefix("GROUP_GATEWAY_").split("=", 1) for setting in settings)
    origin = chosen["CORS_ORIGINS"]
    small = {key.lower(): value for key, value in chosen.items()}
    with serving("sandbox", "--port", "0", **small) as server:
        sent = {"origin": origin, "access-control-request-method": "POST"}
        answer = httpx.options(f"{server.url}/graphql", headers=sent)
        assert answer.headers["access-control-allow-origin"] == origin
