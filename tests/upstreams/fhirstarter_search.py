"""Searches of the `fhirstarter` upstream: filters and pages as the vendor documents them."""

from collections.abc import Iterable
from urllib.parse import urlencode

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.group import Group
from fhirstarter.exceptions import FHIRBadRequestError

DEFAULT_COUNT, MAX_COUNT = 10, 100


def page(
    groups: Iterable[Group], filters: dict[str, str], count: str | None, offset: str | None
) -> Bundle:
    """Answer one page of the groups that meet the filters."""
    matches = [group for group in groups if _matches(group, filters)]
    size, start = _window(count, offset)
    entries = [{"resource": group} for group in matches[start : start + size]]
    links = _links(filters, size, start, len(matches))
    return Bundle(type="searchset", total=len(matches), link=links, entry=entries)


def _matches(group: Group, filters: dict[str, str]) -> bool:
    """Return whether a group meets every filter; a comma is no OR here, it is part of the value."""
    patient = f"Patient/{filters.get('patient', '').removeprefix('Patient/')}"
    return (
        filters.get("_id", group.id) == group.id
        and filters.get("type", group.type) == group.type
        and ("patient" not in filters or patient in _member_references(group))
    )


def _member_references(group: Group) -> set[str]:
    return {member.entity.reference for member in group.member or ()}


def _window(count: str | None, offset: str | None) -> tuple[int, int]:
    try:
        size = min(int(count or DEFAULT_COUNT), MAX_COUNT)
        start = int(offset or 0)
    except ValueError as error:
        raise FHIRBadRequestError("invalid", "_count and _offset must be numbers") from error
    if size < 1 or start < 0:
        raise FHIRBadRequestError("invalid", "_count or _offset is out of range")
    return size, start


def _links(filters: dict[str, str], count: int, offset: int, total: int) -> list[dict[str, str]]:
    """Link the pages the vendor's way: relative, no `previous`, none at all for no matches."""
    offsets = {
        "self": offset,
        "first": 0,
        "next": offset + count,
        "last": (total - 1) // count * count,
    }
    if offset + count >= total:
        del offsets["next"]
    return [
        {
            "relation": name,
            "url": f"/Group?{urlencode({**filters, '_count': count, '_offset': at})}",
        }
        for name, at in offsets.items()
        if total
    ]
