"""Room: what all may take together, where a limit for each would let too much in.

Used for bodies that arrive and are held, the requests of clients (`web`) and the answers of the
upstream (`upstream`), and for the parts of an answer (`execution`).
"""

FREE = 64 * 1024
"""Bytes of each body that are not counted, so that small ones come in beside huge ones."""


class Room:
    """At most `most` bytes or parts at a time; of bytes, beside what each body has for free."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, size: int) -> bool:
        """Take some; False, and nothing is taken, when there are not as many."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give_back(self, size: int) -> None:
        """Give back what was taken."""
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
