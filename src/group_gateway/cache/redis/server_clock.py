"""The clock of a Redis server, by which replicas agree on when a shared entry expires. Pure.

Clocks of different machines differ. The server's own clock also decides when Redis drops an entry.
"""

from collections.abc import Callable


class ServerClock:
    """How far the server's clock is ahead of this process's, between two bounds.

    Until the server has told its time it is taken to be that of this machine's `wall_clock`.
    """

    def __init__(self, clock: Callable[[], float], wall_clock: Callable[[], float]) -> None:
        self._clock = clock
        self._wall_clock = wall_clock
        self._least = self._most = wall_clock() - clock()
        self._told_at = float("-inf")

    def is_older_than(self, seconds: float) -> bool:
        """Return whether the server has last told its time longer ago."""
        return self._clock() - self._told_at > seconds

    def told(self, server_time: float | None, sent_at: float) -> None:
        """Record the time in an answer to what was sent at a time of this process's clock."""
        now = self._told_at = self._clock()
        if server_time is None:
            self._least = self._most = self._wall_clock() - now
        else:
            self._least, self._most = server_time - now, server_time - sent_at

    def theirs(self, own: float) -> float:
        """Return a time of this process's clock by the server's, or slightly earlier."""
        return own + self._least

    def ours(self, servers: float) -> float:
        """Return a time of the server's clock by this process's, or slightly earlier."""
        return servers - self._most
