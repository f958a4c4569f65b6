"""Which search parameters to send for a filter, and whether the upstream applied them. Pure.

An upstream may ignore a parameter and return everything with status 200. So a parameter counts as
applied only when the Bundle's `self` link echoes it and every group in the Bundle matches.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.page_link import Query
from group_gateway.groups.reading.capabilities.upstream_capabilities import UpstreamCapabilities
from group_gateway.groups.reading.filters.filter_fields import SearchParameter
from group_gateway.groups.reading.filters.filter_table import FIELDS, GroupFilter

_CONTROLLED = frozenset(
    parameter.name
    for field in FIELDS.values()
    for parameter in field.parameters
    if parameter.needs_control
)


@dataclass(frozen=True, slots=True)
class ParameterSupport:
    """How an upstream handled the parameters.

    `applied`: the response is filtered as requested. Some parameters are proven to be `obeyed`,
    some to be `ignored`; the others are undecided.
    """

    applied: bool
    obeyed: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()


def parameters_for(
    wanted: GroupFilter, capabilities: UpstreamCapabilities, refused: Collection[str] = ()
) -> Query:
    """Return the search parameters to send, without those that are known not to work."""
    query: list[tuple[str, str]] = []
    for field in wanted.given:
        sent = {name for name, _ in query}
        for parameter in FIELDS[field].parameters:
            if parameter.name in sent or parameter.name in refused:
                continue
            values = parameter.values(getattr(wanted, field))
            if values and _is_usable(parameter, capabilities):
                query += [(parameter.name, value) for value in values]
                break
    return tuple(query)


def uncontrolled(wanted: GroupFilter, capabilities: UpstreamCapabilities) -> Iterator[str]:
    """Yield the parameters that would express the filter once a control search has worked."""
    for field in wanted.given:
        for parameter in FIELDS[field].parameters:
            if (
                parameter.needs_control
                and capabilities.declared is not None
                and capabilities.may_search_by(parameter.name)
                and not capabilities.parameter(parameter.name).recently_proven
                and parameter.values(getattr(wanted, field))
            ):
                yield parameter.name


def _is_usable(parameter: SearchParameter, capabilities: UpstreamCapabilities) -> bool:
    if capabilities.declared is None and not parameter.is_tried:
        return False
    if parameter.needs_control and not capabilities.parameter(parameter.name).recently_proven:
        return False
    return capabilities.may_search_by(parameter.name)


def _sent_for(name: str, query: Query, wanted: GroupFilter) -> Iterator[tuple[str, Any]]:
    """Yield the fields of the filter that a sent parameter expresses, each with that part of it."""
    for field in wanted.given:
        value = getattr(wanted, field)
        for parameter in FIELDS[field].parameters:
            if parameter.name == name:
                values = parameter.values(value)
                if values and {(name, text) for text in values} <= set(query):
                    yield field, parameter.part(value)


def _part_of(wanted: GroupFilter, name: str, query: Query) -> GroupFilter:
    """Return the part of the filter that a sent parameter expresses."""
    parts = dict(_sent_for(name, query, wanted))
    return replace(wanted.only(list(parts)), **parts)


def covers(query: Query, wanted: GroupFilter) -> bool:
    """Return whether the applied parameters express the whole filter."""
    covered = {
        field
        for name in dict(query)
        for field, part in _sent_for(name, query, wanted)
        if part == getattr(wanted, field)
    }
    return covered.issuperset(wanted.given)


def judge(query: Query, wanted: GroupFilter, page: Searchset) -> ParameterSupport:
    """Judge from one page whether the upstream applied the parameters.

    Without a `self` link, a page on which everything matches proves nothing: the parameter is
    neither obeyed nor ignored. The same holds for a page with unreadable entries, or one that
    others follow. Otherwise an empty page is a correct result.
    """
    if not page.groups:
        is_empty = not page.entries and "next" not in page.links
        return ParameterSupport(applied=is_empty or not query)
    names = frozenset(name for name, _ in query)
    unfit = frozenset(
        name for name in names if not all(map(_part_of(wanted, name, query).fits, page.groups))
    )
    own = page.links.get("self")
    if own is None:
        return ParameterSupport(applied=not names, ignored=unfit - _CONTROLLED)
    missing = names - {name for name, _ in own.query}
    ignored = (unfit - _CONTROLLED) | missing
    return ParameterSupport(
        applied=not (unfit | missing), obeyed=names - ignored - _CONTROLLED, ignored=ignored
    )
