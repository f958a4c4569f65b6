"""What tells that a file has changed, for files that are read again while the process runs."""

from pathlib import Path
from typing import Final

CHECK_SECONDS: Final = 1.0
"""Seconds between two checks of a file. Each costs a system call."""

FileStamp = tuple[int, int, int]


def file_stamp(path: Path) -> FileStamp | None:
    """Return time, size and inode of a file: a change alters one of them. None without a file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
