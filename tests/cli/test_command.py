"""The command itself: help, version, what it says to wrong flags, and how it ends."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from cli.commands import COMMAND, run
from group_gateway.cli import main


def test_version() -> None:
    """`--version` tells the installed version."""
    ended = run("--version")
    assert (ended.status, ended.out) == (0, f"group-gateway {version('group-gateway')}\n")


def test_script_is_the_module() -> None:
    """The installed `group-gateway` is what `python -m group_gateway` is."""
    script = Path(sys.executable).with_name("group-gateway")
    told = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    assert told == run("--help").out


def test_help_names_the_commands() -> None:
    """`--help` tells the four commands, and where settings come from."""
    told = run("--help").out
    assert all(name in told for name in ("sandbox", "serve", "schema", "doctor"))
    assert "GROUP_GATEWAY_" in told
    assert ".env" in told


@pytest.mark.parametrize("command", ["sandbox", "serve", "schema", "doctor"])
def test_help_of_a_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command has a help of its own."""
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: group-gateway {command}")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "required: COMMAND"),
        (("serv",), "invalid choice: 'serv'"),
        (("serve", "--prot", "80"), "unrecognized arguments: --prot 80"),
        (("serve", "--port", "eighty"), "argument --port: invalid int value: 'eighty'"),
        (("doctor", "--token", "secret"), "unrecognized arguments: --token"),
    ],
)
def test_wrong_flags(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong flags are argparse's sentence and exit status 2; none may be shortened."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    written = capsys.readouterr()
    assert written.out == ""
    assert told in written.err.splitlines()[-1]


def test_closed_pipe() -> None:
    """A reader that has seen enough ends the command without a traceback."""
    with subprocess.Popen(
        [*COMMAND, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1
