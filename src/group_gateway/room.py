"""Room for bodies: what all that arrive and are held may take together.

The limit of one alone would let as many of that size in as there are connections. Used for the
requests of clients (`web`) and the answers of the upstream (`upstream`).
"""

FREE = 64 * 1024
"""Bytes of each body that are not counted, so that small ones come in beside huge ones."""


class Room:
    """At most `most` bytes, beside what each body has for free."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, size: int) -> bool:
        """Take some bytes; False, and nothing is taken, when there are not as many."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give_back(self, size: int) -> None:
        """Give bytes back that were taken."""
        self._left += size


class HeldBody(bytes):
    """A body that holds its room until nobody holds it any more."""

    room: Room
    taken: int

    @classmethod
    def of(cls, body: bytearray, room: Room, taken: int) -> "HeldBody":
        """Give the body; from now on `taken` bytes of the room are its own."""
        held = cls(body)
        held.room, held.taken = room, taken
        return held

    def __del__(self) -> None:
        self.room.give_back(self.taken)
