"""What a search asks of the store. `api/search.py` builds it, `api/bundle.py` links by it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Search:
    """One page of a search; a criterion that was not given is `None`."""

    ids: list[str] | None
    types: list[str] | None
    members: list[str] | None
    count: int
    offset: int
    applied: tuple[tuple[str, str], ...]
    """The criteria as they came, for the links."""
    visible: Callable[[str], bool]
    """Which groups, by id, the caller may see."""
