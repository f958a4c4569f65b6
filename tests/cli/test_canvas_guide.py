"""The guide for Canvas: each command works, in the order of the page."""

import os
import re
import subprocess
import sys
from pathlib import Path

from cli.commands import serving
from processes import running

GUIDE = (Path(__file__).parents[2] / "docs" / "canvas.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
PLACEHOLDERS = {
    "CLIENT_ID=…": "CLIENT_ID=sandbox",
    "CLIENT_SECRET=…": "CLIENT_SECRET=sandbox-secret",
    "group-gateway doctor": "group-gateway doctor >doctor.out && cat doctor.out",
    "group-gateway serve": "exec group-gateway serve --port 0",
}


def test_commands_in_order(tmp_path: Path) -> None:
    """The doctor finds nothing wrong before callers are chosen; then the gateway starts."""
    with serving("sandbox", "--upstream-only", "--port", "0") as upstream:
        script = "set -e\n" + "\n".join(BLOCKS)
        script = script.replace("https://fumage-<instance>.canvasmedical.com", upstream.url)
        for placeholder, value in PLACEHOLDERS.items():
            script = script.replace(placeholder, value)
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            # At Canvas it follows from the base URL.
            "GROUP_GATEWAY_SERVICE_TOKEN_URL": f"{upstream.url}/auth/token/",
        }
        with running(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if "group-gateway is at" in line:
                    process.terminate()
            assert process.stderr is not None
            assert lines, process.stderr.read()
            assert not any(line.startswith("fail") for line in lines), lines
            assert "group-gateway is at" in lines[-1]
