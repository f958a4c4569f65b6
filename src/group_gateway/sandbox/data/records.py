"""What goes into the store and comes out of it: drafts, rows, searches."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Search:
    """One page of a search; an absent criterion is `None`."""

    ids: list[str] | None
    types: list[str] | None
    members: list[str] | None
    count: int
    offset: int
    applied: tuple[tuple[str, str], ...]
    """The criteria as they came, for the links."""
    visible: Callable[[str], bool]
    """Which groups, by id, the caller may see."""


@dataclass(frozen=True, slots=True)
class Row:
    """A stored group: its position in the order, its version, and its JSON text."""

    seq: int
    id: str
    version: int
    modified_ms: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """A group to store: its JSON text and what the indexes need of it."""

    id: str
    type: str
    body: bytes
    members: list[str]
    responsibilities: list[str]
