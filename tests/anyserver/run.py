"""The long form: `python -m anyserver.run --help`, from `tests`."""

import argparse
import logging
import signal
import sys
from types import FrameType

from anyserver.hl7 import HL7
from anyserver.mutations import OPERATIONS
from anyserver.trial import run


def _hangs(_: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"The event loop hangs: {frame}")


def main() -> None:
    """Try servers, print what was asked and each fault, and fail if there was one."""
    parser = argparse.ArgumentParser(prog="python -m anyserver.run", description=__doc__)
    parser.add_argument("--worlds", type=int, default=1000, help="servers to try (1000)")
    parser.add_argument("--first", type=int, default=0, help="number of the first (0)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (1)")
    parser.add_argument("--faults", type=int, default=1, help="stop at so many faults (1)")
    parser.add_argument("--only", nargs="+", default=list(OPERATIONS), help="operations to ask")
    parser.add_argument("--hl7", action="store_true", help="ask HL7's interface")
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGALRM, _hangs)
    tally = run(
        chosen.worlds,
        chosen.seed,
        first=chosen.first,
        stop_at=chosen.faults,
        operations=tuple(HL7) if chosen.hl7 else chosen.only,
    )
    for fault in tally.faults:
        sys.stdout.write(f"{fault}\n")
    sys.stdout.write(f"{tally}\n")
    sys.exit(1 if tally.faults else 0)


if __name__ == "__main__":
    main()
