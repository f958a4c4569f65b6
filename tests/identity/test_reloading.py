"""Credentials that change while the gateway runs: key files, and settings at SIGHUP."""

import hashlib
import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.commands import ask, serving
from waiting import until_seen

ASKED = {"query": "{ groups(first: 1) { nodes { id } } }"}
SERVICE = {
    "callers": "api-keys",
    "service_client_id": "sandbox",
    "service_client_secret": "sandbox-secret",
    "subscriptions": "on",
}


def line(name: str) -> str:
    """Return the line of a key that is called so."""
    return f"{name} {hashlib.sha256(name.encode()).hexdigest()} user/Group.read\n"


def code(url: str, key: str) -> str | None:
    """Return the code of the error that a key is answered with, None for data."""
    headers = {"authorization": f"Bearer {key}"}
    errors = ask("POST", f"{url}/graphql", json=ASKED, headers=headers).json().get("errors")
    return str(errors[0]["extensions"]["code"]) if errors else None


def ready(url: str) -> tuple[int, Any]:
    """Return status and body of the readiness probe."""
    response = httpx.get(f"{url}/readyz", timeout=60)
    return response.status_code, response.json()


def test_a_key_file_that_changes(tmp_path: Path) -> None:
    """A revoked key stops within seconds, a new one works, and what is wrong is one sentence."""
    file = tmp_path / "keys"
    file.write_text(line("one") + line("two"))
    with serving("sandbox", "--port", "0", api_keys_file=str(file), **SERVICE) as server:
        url = server.url
        assert (code(url, "one"), code(url, "two")) == (None, None)
        file.write_text(line("two") + line("three"))
        until_seen(lambda: code(url, "one") == "UNAUTHENTICATED")
        assert (code(url, "two"), code(url, "three")) == (None, None)
        file.write_text("two is broken\n" + line("three"))
        until_seen(lambda: code(url, "two") == "UNAUTHENTICATED")
        assert code(url, "three") is None
        status, told = ready(url)
        assert (status, told["callers"]) == (200, "The file of API keys is wrong: line 1.")
        file.write_text("")
        until_seen(lambda: code(url, "three") == "UNAUTHENTICATED")
        assert ready(url) == (503, {"status": "The file of API keys is wrong: no key."})
        file.unlink()
        until_seen(lambda: "can't be read" in ready(url)[1]["status"])
        replacement = tmp_path / "new"
        replacement.write_text(line("four"))
        replacement.rename(file)
        until_seen(lambda: code(url, "four") is None)
        assert ready(url)[0] == 200
        file.rename(replacement)
        until_seen(lambda: code(url, "four") == "UNAUTHENTICATED")
        replacement.rename(file)  # the very file of before
        until_seen(lambda: code(url, "four") is None)
        told = server.end().err
    assert told.count("The file of API keys is wrong: no key; no key is accepted.") == 1
    assert told.count("The file of API keys is wrong: line 1; other keys are accepted.") == 1
    assert "Traceback" not in told


@pytest.mark.parametrize("workers", ["1", "2"])
def test_settings_are_read_again(tmp_path: Path, workers: str) -> None:
    """SIGHUP has the `.env` file read again, and a wrong one change nothing but the log."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text(line("one"))
    two.write_text(line("two"))
    with serving("sandbox", "--upstream-only", "--port", "0") as upstream:
        environment = tmp_path / ".env"
        token_url = f"{upstream.url}/auth/token/"
        given = {
            **{f"GROUP_GATEWAY_{name.upper()}": value for name, value in SERVICE.items()},
            "GROUP_GATEWAY_SERVICE_TOKEN_URL": token_url,
            "GROUP_GATEWAY_WORKERS": workers,
        }
        text = "".join(f"{name}={value}\n" for name, value in given.items())
        environment.write_text(f"{text}GROUP_GATEWAY_API_KEYS_FILE={one}\n")
        arguments = ("serve", "--upstream-url", upstream.url, "--port", "0")
        with serving(*arguments, cwd=tmp_path) as server:
            url = server.url
            assert (code(url, "one"), code(url, "two")) == (None, "UNAUTHENTICATED")
            environment.write_text(f"{text}GROUP_GATEWAY_API_KEYS_FILE={tmp_path / 'none'}\n")
            server.process.send_signal(signal.SIGHUP)
            environment.write_text(f"{text}GROUP_GATEWAY_API_KEYS_FILE={two}\n")
            server.process.send_signal(signal.SIGHUP)
            until_seen(lambda: {code(url, "one") for _ in range(8)} == {"UNAUTHENTICATED"})
            until_seen(lambda: {code(url, "two") for _ in range(8)} == {None})
            os.kill(server.process.pid, signal.SIGHUP)
            ended = server.end()
    assert ended.status == 0
    assert "Traceback" not in ended.err
