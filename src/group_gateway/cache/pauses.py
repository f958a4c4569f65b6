"""Pauses between attempts at something that fails."""

_LONGEST = 30.0


class Pauses:
    """Pauses of `first` seconds, which double while more of the same would be of no use."""

    def __init__(self, first: float) -> None:
        self._first = first
        self._next = first

    def next(self, *, is_growing: bool) -> float:
        """Return the next pause, the first one again unless it is growing."""
        if not is_growing:
            self.reset()
        pause = self._next
        self._next = min(2 * pause, _LONGEST)
        return pause

    def reset(self) -> None:
        """Begin with the first one again."""
        self._next = self._first
