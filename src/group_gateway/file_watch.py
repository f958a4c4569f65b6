"""Files that are read again when they change, while the process runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

_CHECK_SECONDS: Final = 1.0
"""Seconds between two checks of a file. Each costs a system call."""

_Stamp = tuple[int, int, int]


class FileWatch:
    """Detects changes of a file since it was last accepted: at first, since this was made.

    `clock` is in seconds. A file is checked once a second at most, and not before `next_check`.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._seen = _stamp(path)
        self._is_accepted = True
        self.next_check = clock() + _CHECK_SECONDS

    def has_changed(self) -> bool:
        """Return whether the file is another one than that accepted last.

        False between two checks. A file that is not accepted has changed at each check.
        """
        now = self._clock()
        if now < self.next_check:
            return False
        self.next_check = now + _CHECK_SECONDS
        before, self._seen = self._seen, _stamp(self._path)
        self._is_accepted = self._is_accepted and self._seen == before
        return not self._is_accepted

    def accept(self) -> None:
        """Accept the file as it was at the last check."""
        self._is_accepted = True


def _stamp(path: Path) -> _Stamp | None:
    """Return time, size and inode of a file: a change alters one of them. None without a file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
