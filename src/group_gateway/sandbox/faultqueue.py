"""Which fault rule, if any, a request meets. Decides only; `layers/faults.py` acts.

Built anew whenever the quirks change, so that rules count from nothing.
"""

import re
from collections.abc import Iterable

from group_gateway.sandbox.quirks import FaultRule


class FaultQueue:
    """Fault rules and how often each may still act."""

    def __init__(self, rules: Iterable[FaultRule]) -> None:
        self._left = [(rule, rule.times) for rule in rules]

    def take(self, method: str, path: str, query: str) -> FaultRule | None:
        """Return the first rule that fits and is not used up, and count it as used."""
        for index, (rule, left) in enumerate(self._left):
            if left != 0 and _fits(rule, method, path, query):
                self._left[index] = rule, None if left is None else left - 1
                return rule
        return None


def _fits(rule: FaultRule, method: str, path: str, query: str) -> bool:
    if rule.method is not None and rule.method.upper() != method:
        return False
    if not path.startswith(rule.path):
        return False
    return rule.pattern is None or re.search(rule.pattern, f"{path}?{query}") is not None
