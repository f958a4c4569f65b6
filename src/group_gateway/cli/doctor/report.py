"""Print findings: lines for people, JSON for programs."""

import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict

from group_gateway.cli.doctor.findings import Finding

_WIDTH = 19  # of the longest name of a check, and two blanks


async def write_lines(findings: AsyncIterator[Finding]) -> bool:
    """Print a line for each finding at once, and a last one; return whether nothing failed."""
    counts: Counter[str] = Counter()
    async for finding in findings:
        counts[finding.level] += 1
        _write(f"{finding.level:<5} {finding.check:<{_WIDTH}} {finding.text} {finding.remedy}")
    _write(f"{counts['ok']} ok, {counts['warn']} to know, {counts['fail']} failed.")
    return counts["fail"] == 0


async def write_json(findings: AsyncIterator[Finding]) -> bool:
    """Print one JSON object with all findings; return whether nothing failed."""
    checks = [asdict(finding) async for finding in findings]
    healthy = all(check["level"] != "fail" for check in checks)
    _write(json.dumps({"healthy": healthy, "checks": checks}, indent=2))
    return healthy


def _write(line: str) -> None:
    sys.stdout.write(f"{line.rstrip()}\n")
    sys.stdout.flush()
