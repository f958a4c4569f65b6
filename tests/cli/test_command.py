"""The command itself: help, version, what it says to wrong flags, and how it ends."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from cli.commands import COMMAND, run
from group_gateway.cli import main

COMMANDS = ("sandbox", "serve", "schema", "doctor", "settings", "completion")


def test_version() -> None:
    """`--version` prints the installed version."""
    ended = run("--version")
    assert (ended.status, ended.out) == (0, f"group-gateway {version('group-gateway')}\n")


def test_script_is_the_module() -> None:
    """The installed `group-gateway` is what `python -m group_gateway` is."""
    script = Path(sys.executable).with_name("group-gateway")
    told = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    assert told == run("--help").out


def test_help_names_the_commands() -> None:
    """`--help` names the commands, and where settings come from."""
    told = run("--help").out
    assert all(name in told for name in COMMANDS)
    assert "GROUP_GATEWAY_" in told
    assert ".env" in told


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command has a help of its own."""
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: group-gateway {command}")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("serv",), "there is no 'serv'; did you mean serve?"),
        (("frobnicate",), "there is no 'frobnicate'; there are completion, doctor, "),
        (("serve", "--prot", "80"), "unrecognized arguments: --prot; did you mean --port?"),
        (("serve", "--prot=hunter2"), "unrecognized arguments: --prot; did you mean --port?"),
        (("serve", "hunter2"), "unrecognized arguments: there is one too many"),
        (("--frobnicate",), "unrecognized arguments: --frobnicate; there are --help, --version."),
        (("serve", "--port", "eighty"), "argument --port: invalid int value: 'eighty'"),
        (("doctor", "--token", "hunter2"), "unrecognized arguments: --token"),
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
    assert "hunter2" not in written.err


def test_no_command() -> None:
    """The bare command prints the help."""
    ended = run()
    assert (ended.status, ended.out) == (0, run("--help").out)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion(shell: str) -> None:
    """`completion` prints a script that knows commands and flags."""
    script = run("completion", shell).out
    assert "group-gateway" in script
    assert "--upstream-url" in script


def test_completion_in_a_shell() -> None:
    """Bash completes a flag from the first letters."""
    asked = """
        source /dev/stdin <<<"$(python -m group_gateway completion bash)"
        COMP_WORDS=(group-gateway serve --up) COMP_CWORD=2 COMP_LINE="group-gateway serve --up"
        $(complete -p group-gateway | sed 's/.*-F \\([^ ]*\\).*/\\1/') && echo "${COMPREPLY[@]}"
    """.replace("python", sys.executable)
    told = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=False).stdout
    assert told.split() == ["--upstream-url"]


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
