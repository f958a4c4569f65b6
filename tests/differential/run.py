"""The differential test in its long form: `python -m differential.run --help`, from `tests`."""

import argparse
import asyncio
import sys
import time

from differential.trial import trial


def main() -> None:
    """Ask many operations, print the counts and all differences, and fail if there are any."""
    parser = argparse.ArgumentParser(prog="python -m differential.run", description=__doc__)
    parser.add_argument("--operations", type=int, default=20_000, help="how many (20,000)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (1)")
    parser.add_argument("--stop-at", type=int, default=1, help="differences to stop at (1)")
    chosen = parser.parse_args()
    began = time.monotonic()
    tally = asyncio.run(trial(chosen.operations, chosen.seed, stop_at=chosen.stop_at))
    for difference in tally.differences:
        sys.stdout.write(f"{difference}\n\n")
    sys.stdout.write(f"{tally}, in {time.monotonic() - began:.0f} s\n")
    sys.exit(1 if tally.differences else 0)


if __name__ == "__main__":
    main()
