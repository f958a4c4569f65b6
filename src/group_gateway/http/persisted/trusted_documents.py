"""Trusted documents: the documents that clients were built with, from a local file.

A changed file is read again, so that a list can be rolled out without a restart. While a file is
unreadable, the last list stays in force.
"""

import time
from collections.abc import Callable
from pathlib import Path

from group_gateway.events import Events
from group_gateway.file_stamp import CHECK_SECONDS, file_stamp
from group_gateway.http.persisted.manifest import NotAManifest, documents_of


class TrustedDocuments:
    """The documents of the manifest at `path`.

    Raises OSError or NotAManifest if the first read fails.
    """

    def __init__(
        self, path: Path, events: Events, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._events = events
        self._clock = clock
        self._stamp = file_stamp(path)
        self._by_id = documents_of(path.read_bytes())
        self._texts = frozenset(self._by_id.values())
        self._next_check = clock() + CHECK_SECONDS
        self._lists = 1

    def lists(self) -> int:
        """Return how many times the list has been loaded."""
        self._check_file()
        return self._lists

    def text(self, id: str) -> str | None:
        """Return the document with this id."""
        self._check_file()
        return self._by_id.get(id)

    def __contains__(self, text: object) -> bool:
        """Return whether a document is on the list, character by character."""
        self._check_file()
        return text in self._texts

    def _check_file(self) -> None:
        now = self._clock()
        if now < self._next_check:
            return
        self._next_check = now + CHECK_SECONDS
        stamp = file_stamp(self._path)
        if stamp == self._stamp:
            return
        try:
            self._by_id = documents_of(self._path.read_bytes())
        except (OSError, NotAManifest):
            self._events.trusted_documents("unreadable")
            return
        self._stamp = stamp
        self._texts = frozenset(self._by_id.values())
        self._lists += 1
        self._events.trusted_documents("reloaded")
