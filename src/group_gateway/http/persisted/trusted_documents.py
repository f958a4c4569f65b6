"""Trusted documents: the documents that clients were built with, from a local file.

A changed file is read again, so that a list can be rolled out without a restart. While a file is
unreadable, the last list stays in force.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from group_gateway.events import Events
from group_gateway.file_watch import FileWatch
from group_gateway.http.persisted.manifest import NotAManifest, documents_of

_log = logging.getLogger(__name__)


class TrustedDocuments:
    """The documents of the manifest at `path`.

    Raises OSError or NotAManifest if the first read fails.
    """

    def __init__(
        self, path: Path, events: Events, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._events = events
        self._file = FileWatch(path, clock)
        self._by_id = documents_of(path.read_bytes())
        self._texts = frozenset(self._by_id.values())
        self._lists = 1
        self._problem = ""

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
        if not self._file.has_changed():
            return
        try:
            self._by_id = documents_of(self._path.read_bytes())
        except OSError as error:
            self._note_problem(error.strerror or "unknown")
            return
        except NotAManifest as error:
            self._note_problem(str(error))
            return
        self._file.accept()
        self._problem = ""
        self._texts = frozenset(self._by_id.values())
        self._lists += 1
        self._events.trusted_documents("reloaded")
        _log.info("The list of trusted documents was read again.")

    def _note_problem(self, problem: str) -> None:
        """Count a failed read; log it, unless the one before failed for the same reason."""
        self._events.trusted_documents("unreadable")
        if problem != self._problem:
            text = "Trusted documents in %s can't be read: %s. The last list stays in force."
            _log.error(text, self._path, problem)
        self._problem = problem
