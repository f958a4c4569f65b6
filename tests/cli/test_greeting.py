"""What `group-gateway sandbox` prints for a newcomer: its commands work as printed."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from cli.commands import ask, serving
from cli.failing import Failing
from group_gateway import __version__
from group_gateway.sandbox.wellknown import OTHER_TOKEN, READ_TOKEN, TOKEN
from waiting import until_seen

ANY_PORT = ("--port", "0")


def run_command(line: str) -> str:
    """Run a command line of the greeting; return what it prints."""
    words = shlex.split(line)
    return subprocess.run(words, capture_output=True, check=True, timeout=60, text=True).stdout


def test_greets() -> None:
    """It says which version it is, which tokens there are, and two commands that work."""
    with serving("sandbox", *ANY_PORT) as server:
        assert server.process.stdout is not None
        lines = [server.process.stdout.readline() for _ in range(11)]
        [curl] = [line.removeprefix("  Try     ") for line in lines if "Try " in line]
        [slow] = [line for line in lines if "/sandbox/quirks" in line]
        [first, *_] = json.loads(run_command(curl))["data"]["group"]["member"]
        assert first["entity"]["display"]
        run_command(slow)
        upstream = lines[0].split()[-1]
        assert ask("GET", f"{upstream}/sandbox/quirks").json()["latency_ms"] == 2000
    text = "".join(lines)
    assert f"group-gateway {__version__}" in text
    assert all(token in text for token in (TOKEN, READ_TOKEN, OTHER_TOKEN))


def test_opens_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--open` opens GraphiQL in the browser of the user's choice."""
    seen = tmp_path / "seen"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}.new && mv {seen}.new {seen}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    with serving("sandbox", *ANY_PORT, "--open") as server:
        until_seen(seen.exists)
        assert seen.read_text().strip() == f"{server.url}/graphql"


def test_opens_no_page_that_is_not_served(failing: Failing) -> None:
    """`--open` without GraphiQL is one sentence."""
    sentence = failing("sandbox", "--upstream-only", "--open", *ANY_PORT)
    assert sentence == "--open opens GraphiQL, which is not served here."
