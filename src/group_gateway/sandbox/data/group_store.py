"""The sandbox's groups in SQLite: one connection, short statements, bodies stored as JSON text.

Handlers read and write through it. A write runs inside `writing()`, so that its checks and its
effect are atomic. `seeding.py` fills a new database.
"""

import sqlite3
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from group_gateway.sandbox import codec
from group_gateway.sandbox.data.records import Draft, Row, Search

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS groups (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    version INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS members (
    reference TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (reference, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS members_by_group ON members (seq);
CREATE TABLE IF NOT EXISTS responsibilities (code TEXT PRIMARY KEY, seq INTEGER NOT NULL);
"""
_MATCHING: Final = """
SELECT seq, id FROM groups
WHERE (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids)))
  AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
  AND (:members IS NULL OR seq IN (
      SELECT seq FROM members WHERE reference IN (SELECT value FROM json_each(:members))))
ORDER BY seq
"""
_ROWS: Final = """
SELECT seq, id, version, modified_ms, body FROM groups
WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq
"""


class Store:
    """An open database. It is closed by `close` or by the garbage collector."""

    def __init__(self, path: str) -> None:
        # Tests run the server in a thread and look at its store from another.
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._closer = weakref.finalize(self, self.connection.close)
        if path != ":memory:":
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute("PRAGMA busy_timeout = 5000")

    def prepare(self) -> None:
        """Create the tables that are missing."""
        self.connection.executescript(_SCHEMA)

    def empty(self) -> bool:
        """Return whether no group was ever stored."""
        return self.connection.execute("SELECT 1 FROM groups LIMIT 1").fetchone() is None

    def clear(self) -> None:
        """Delete everything."""
        for table in ("groups", "members", "responsibilities"):
            self.connection.execute(f"DELETE FROM {table}")  # noqa: S608  names stand above

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._closer()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Run checks and changes as one transaction, alone even among several processes."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def read(self, identity: str) -> Row | None:
        """Return a group by its id."""
        found = self.connection.execute(
            "SELECT seq, id, version, modified_ms, body FROM groups WHERE id = ?", (identity,)
        ).fetchone()
        return Row(*found) if found else None

    def search(self, search: Search) -> tuple[int, list[Row]]:
        """Return the number of matching groups and the requested page of them."""
        found = self.connection.execute(
            _MATCHING,
            {name: _listed(getattr(search, name)) for name in ("ids", "types", "members")},
        )
        matching = [seq for seq, identity in found if search.visible(identity)]
        page = matching[search.offset : search.offset + search.count]
        rows = self.connection.execute(_ROWS, (_listed(page),))
        return len(matching), [Row(*row) for row in rows]

    def taken(self, codes: Iterable[str], by_other_than: str) -> list[str]:
        """Return which of these responsibilities another group holds."""
        found = self.connection.execute(
            "SELECT code FROM responsibilities JOIN groups USING (seq) "
            "WHERE code IN (SELECT value FROM json_each(?)) AND id != ? ORDER BY code",
            (_listed(codes), by_other_than),
        )
        return [code for (code,) in found]

    def insert(self, draft: Draft, modified_ms: int) -> None:
        """Store a new group, after all others in the order."""
        cursor = self.connection.execute(
            "INSERT INTO groups (id, type, version, modified_ms, body) VALUES (?, ?, 1, ?, ?)",
            (draft.id, draft.type, modified_ms, draft.body),
        )
        self._index(cursor.lastrowid, draft)

    def replace(self, row: Row, draft: Draft, modified_ms: int) -> None:
        """Replace a group's content."""
        self.connection.execute(
            "UPDATE groups SET type = ?, version = version + 1, modified_ms = ?, body = ? "
            "WHERE seq = ?",
            (draft.type, modified_ms, draft.body, row.seq),
        )
        self.connection.execute("DELETE FROM members WHERE seq = ?", (row.seq,))
        self.connection.execute("DELETE FROM responsibilities WHERE seq = ?", (row.seq,))
        self._index(row.seq, draft)

    def delete(self, row: Row) -> None:
        """Delete a group."""
        for table in ("groups", "members", "responsibilities"):
            self.connection.execute(f"DELETE FROM {table} WHERE seq = ?", (row.seq,))  # noqa: S608

    def _index(self, seq: int | None, draft: Draft) -> None:
        self.connection.executemany(
            "INSERT OR IGNORE INTO members VALUES (?, ?)",
            [(reference, seq) for reference in draft.members],
        )
        self.connection.executemany(
            "INSERT INTO responsibilities VALUES (?, ?)",
            [(code, seq) for code in draft.responsibilities],
        )


def _listed(values: Iterable[str | int] | None) -> str | None:
    return None if values is None else codec.encode(list(values)).decode()
