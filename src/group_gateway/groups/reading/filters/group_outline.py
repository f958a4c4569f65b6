"""The elements of a group that filters and sorting need, decoded once: all but its members.

An outline is kept with the group, and the names of a page with the page, so that they live as long.
"""

from functools import cached_property
from typing import Any

import msgspec

from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.group_resource import UNREADABLE, GroupResource, NotAGroup
from group_gateway.groups.reading.filters.text_folding import fold

_KEPT = "_outline"
_NAMES = "_names"
_SEPARATOR = "\n"


class Outline(msgspec.Struct, dict=True, frozen=True):
    """Elements of a group, of whatever JSON type they are."""

    type: Any = None
    name: Any = None
    active: Any = None
    actual: Any = None
    quantity: Any = None
    code: Any = None
    identifier: Any = None
    managingEntity: Any = None  # noqa: N815 - FHIR's element name
    characteristic: Any = None
    meta: Any = None

    @cached_property
    def folded_name(self) -> str:
        """The name without case and accents; empty when there is none."""
        return fold(self.name) if isinstance(self.name, str) else ""

    @property
    def last_updated(self) -> Any:
        """The element `meta.lastUpdated`."""
        return self.meta.get("lastUpdated") if isinstance(self.meta, dict) else None


_outline = msgspec.json.Decoder(Outline)


def outline_of(group: GroupResource) -> Outline:
    """Return the outline of a group. Raises what decoding invalid JSON may raise."""
    found: Outline | None = group.__dict__.get(_KEPT)
    if found is None:
        try:
            found = _outline.decode(group.raw)
        except msgspec.ValidationError:  # a number that nothing can hold
            elements = group.elements
            found = Outline(**{name: elements.get(name) for name in Outline.__struct_fields__})
        group.__dict__[_KEPT] = found
    return found


class PageNames:
    """The names on a page, for each entry, plain and folded."""

    def __init__(self, page: Searchset) -> None:
        try:
            outlines = [None if group is None else outline_of(group) for group in page.entries]
        except UNREADABLE as error:
            raise NotAGroup("a value can't be decoded") from error
        self.names = [None if outline is None else outline.name for outline in outlines]
        self.folded = ["" if outline is None else outline.folded_name for outline in outlines]
        self.text = _SEPARATOR.join(self.folded)
        """All names joined: what it lacks, no name has."""


def names_on(page: Searchset) -> PageNames:
    """Return the names on a page. Raises NotAGroup."""
    found: PageNames | None = page.__dict__.get(_NAMES)
    if found is None:
        found = page.__dict__[_NAMES] = PageNames(page)
    return found
