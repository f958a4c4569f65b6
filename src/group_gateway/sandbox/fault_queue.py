"""Which fault rule, if any, applies to a request. `layers/faults.py` applies it.

It is rebuilt whenever the quirks change, so that counts restart.
"""

import re
from collections.abc import Iterable

from group_gateway.sandbox.quirks import FaultRule


class FaultQueue:
    """Fault rules and how often each may still apply."""

    def __init__(self, rules: Iterable[FaultRule]) -> None:
        self._left = [(rule, rule.times) for rule in rules]

    def take(self, method: str, path: str, query: str) -> FaultRule | None:
        """Return the first rule that matches and is not used up, and count its use."""
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
