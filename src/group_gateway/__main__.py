"""`python -m group_gateway` and the `group-gateway` command."""

import os
import signal
import sys
from types import FrameType

_ENDED_BY_SIGTERM = 128 + signal.SIGTERM


def main() -> int:
    """Run the command, which SIGTERM ends from the first moment on."""
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, _end)
    from group_gateway.cli import main as command  # noqa: PLC0415 - takes a second

    return command()


def _end(_: int, __: FrameType | None) -> None:
    """End the first process of a container, for which Linux has no default: it would serve on."""
    os._exit(_ENDED_BY_SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
