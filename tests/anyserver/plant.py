"""Plants bugs in copies of the package, and shows what the fuzzer of servers finds.

`python -m anyserver.plant --help`, from `tests`.
"""

import argparse
from functools import partial

from anyserver.bugs import BUGS
from differential.plant import hunt, report

RUN = ("anyserver.run", "--worlds")


def main() -> None:
    """Plant all bugs, print the result of each, and fail if one was not found."""
    parser = argparse.ArgumentParser(prog="python -m anyserver.plant", description=__doc__)
    parser.add_argument("--worlds", type=int, default=2000, help="at most, for each (2000)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (1)")
    parser.add_argument("--only", default="", help="only bugs whose name holds this")
    chosen = parser.parse_args()
    bugs = [bug for bug in BUGS if chosen.only in bug.name]
    search = partial(hunt, operations=chosen.worlds, seed=chosen.seed, run_by=RUN)
    report(search, bugs)


if __name__ == "__main__":
    main()
