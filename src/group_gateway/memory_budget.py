"""A budget that many bodies share, because limits on each don't bound their sum.

`http` counts the request bodies that it holds, `upstream` the responses, and `execution` the parts
of incremental results.
"""

FREE = 64 * 1024
"""Bytes of each body that are not counted, so that small bodies are admitted beside huge ones."""


class MemoryBudget:
    """A budget of `most` bytes, or of `most` parts.

    The first `FREE` bytes of a body don't count.
    """

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, size: int) -> bool:
        """Take an amount; return False, and take nothing, if that exceeds the budget."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give_back(self, size: int) -> None:
        """Return an amount to the budget."""
        self._left += size


class BudgetedBytes(bytes):
    """A body that returns its bytes to the budget when it is garbage-collected."""

    budget: MemoryBudget
    taken: int

    @classmethod
    def of(cls, body: bytes | bytearray, budget: MemoryBudget, taken: int) -> "BudgetedBytes":
        """Make one of `body`, which owns `taken` bytes of the budget from now on."""
        held = cls(body)
        held.budget, held.taken = budget, taken
        return held

    def __del__(self) -> None:
        self.budget.give_back(self.taken)
