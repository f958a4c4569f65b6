"""Says on standard error how far a run is."""

import sys

from bench.measuring import Measurement


def tell(what: str, measured: Measurement | None = None) -> None:
    """Print what was done, and how it went."""
    line = what
    if measured is not None:
        line = (
            f"{what:32} {measured.rps:9.1f}/s  cpu {measured.cpu_us:9.1f} us"
            f"  p50 {measured.p50_ms:8.2f}  p99 {measured.p99_ms:8.2f} ms"
            f"  calls {measured.calls:6.3f}  peak {measured.peak_mb:5.0f} MB"
            f"  noise {measured.noise:.2f}{'' if measured.right else '  WRONG'}"
            f"{f'  failures {measured.failures}' if measured.failures else ''}"
        )
    sys.stderr.write(line + "\n")
