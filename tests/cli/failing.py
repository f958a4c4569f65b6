"""Runs a command in this process that must end with one sentence, before it serves anything."""

from dataclasses import dataclass

import pytest

from cli.commands import Ended
from group_gateway.cli import main
from group_gateway.config import PREFIX


@dataclass(frozen=True)
class Failing:
    """Runs the command away from any `.env` file."""

    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def __call__(self, *arguments: str, **settings: str) -> str:
        """Return the sentence on stderr, the only thing written; the exit status is 1."""
        with self.patch.context() as patch:
            for name, value in settings.items():
                patch.setenv(f"{PREFIX}{name.upper()}", value)
            status = main(arguments)
        written = self.capture.readouterr()
        return Ended(status, written.out, written.err).sentence
