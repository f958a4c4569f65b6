"""Runs the doctor in this process, as the command does, and reads its report."""

import json
from dataclasses import dataclass

import pytest

from cli.wrong_servers import Answer, pipeline
from group_gateway.cli import main
from group_gateway.config import PREFIX
from group_gateway.sandbox.wellknown import TOKEN


@dataclass(frozen=True)
class Examine:
    """Runs `group-gateway doctor --json`, away from any `.env` file."""

    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def __call__(
        self, url: str, token: str = "a-token", *flags: str, **settings: str
    ) -> dict[str, str]:
        """Return each check's finding, as `level: text remedy`; the token is never in one."""
        settings = {"upstream_url": url, "doctor_token": token, **settings}
        with self.patch.context() as patch:
            for name, value in settings.items():
                patch.setenv(f"{PREFIX}{name.upper()}", value)
            status = main(["doctor", "--json", *flags])
        written = self.capture.readouterr()
        assert written.err == ""
        assert token in {"", TOKEN} or token not in written.out
        report = json.loads(written.out)
        assert report["healthy"] == (status == 0)
        return {
            check["check"]: f"{check['level']}: {check['text']} {check['remedy']}".rstrip()
            for check in report["checks"]
        }

    def server(self, answer: Answer, token: str = "a-token") -> dict[str, str]:
        """Run the doctor on a server with this handler."""
        with pipeline(answer) as url:
            return self(url, token)
