"""Memory of a process that does nothing but serve: what is collected, and what stays mapped.

Bodies of a megabyte come and go with requests. If their memory went back to the system each time,
the next request would have it mapped and cleared again: a fifth of the time of large responses.
"""

import ctypes
import gc
from typing import Final

_COLLECT_AFTER: Final = 20_000
_MEBIBYTE: Final = 1024 * 1024
_TRIM_THRESHOLD: Final = (-1, 32 * _MEBIBYTE)
_MMAP_THRESHOLD: Final = (-3, 16 * _MEBIBYTE)
"""Parameters of glibc (mallopt(3)) and their values in bytes."""
_LARGEST_SMALL: Final = 479
"""Bytes of an object of bytes that takes a block of 512 bytes, the largest of CPython's own."""
_ARENAS: Final = 4
"""Arenas of CPython, of a mebibyte each, that stay mapped."""
_pins: list[bytes] = []
"""A few objects in each of these arenas."""


def tune_memory() -> None:
    """Tune the process, once all that it keeps for good exists.

    The garbage collector need not visit these objects, nor run after every 700 of the hundreds that
    a request makes and that live as long as it does.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 5)
    _keep_freed_blocks()
    _keep_arenas()


def _keep_freed_blocks() -> None:
    """Keep up to 32 MB that large objects have freed, where the C library is glibc.

    Blocks of 16 MB and more are still given back at once.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(*_TRIM_THRESHOLD)
        mallopt(*_MMAP_THRESHOLD)


def _keep_arenas() -> None:
    """Keep memory for small objects: CPython gives an arena back when nothing is left in it."""
    blocks = [bytes(_LARGEST_SMALL) for _ in range(_ARENAS * _MEBIBYTE // 512)]
    _pins[:] = blocks[::512]
