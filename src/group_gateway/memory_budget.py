"""A budget that many bodies, or parts of an answer, share: limits on each don't bound the sum.

`web` takes from one for the request bodies that it holds, `upstream` for the answers that it holds,
and `execution` for the parts of an incremental answer.
"""

FREE = 64 * 1024
"""Bytes of each body that are not counted, so that small ones come in beside huge ones."""


class MemoryBudget:
    """A budget of `most` bytes, the `FREE` ones of each body not counted, or of `most` parts."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, size: int) -> bool:
        """Take some; False, and nothing is taken, when there are not as many."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give_back(self, size: int) -> None:
        """Return back what was taken."""
        self._left += size


class BudgetedBytes(bytes):
    """A body that gives its room back once the last reference to it is gone."""

    room: MemoryBudget
    taken: int

    @classmethod
    def of(cls, body: bytes | bytearray, room: MemoryBudget, taken: int) -> "BudgetedBytes":
        """Make one of `body`; it owns `taken` bytes of the room from now on."""
        held = cls(body)
        held.room, held.taken = room, taken
        return held

    def __del__(self) -> None:
        self.room.give_back(self.taken)
