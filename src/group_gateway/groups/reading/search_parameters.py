"""Which search parameters to send for a filter, and whether the upstream obeyed. Pure.

An upstream may ignore a parameter and answer with everything, status 200. So a parameter counts
as applied only when the Bundle's `self` link echoes it and every group in it fits.
"""

from collections.abc import Collection
from dataclasses import dataclass

from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.page_link import Query
from group_gateway.groups.reading.capabilities import UpstreamCapabilities
from group_gateway.groups.reading.filters import PATIENT_PARAMETERS, GroupFilter


@dataclass(frozen=True, slots=True)
class ParameterSupport:
    """How an upstream took the parameters.

    `applied`: the answer can be relied on as it is. Of the parameters, some are proven to be
    `obeyed`, some to be `ignored`; the rest is open.
    """

    applied: bool
    obeyed: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()


def parameters_for(
    wanted: GroupFilter, capabilities: UpstreamCapabilities, refused: Collection[str] = ()
) -> Query:
    """Give the search parameters to send, leaving out those that are known not to work."""

    def usable(name: str) -> bool:
        return name not in refused and capabilities.may_search_by(name)

    query: list[tuple[str, str]] = []
    if wanted.type is not None and usable("type"):
        query.append(("type", wanted.type))
    if wanted.patient is not None:
        name = next(filter(usable, PATIENT_PARAMETERS), None)
        if name is not None:
            query.append((name, _member_value(name, "Patient", wanted.patient)))
    elif wanted.practitioner is not None and usable("member"):
        query.append(("member", _member_value("member", "Practitioner", wanted.practitioner)))
    return tuple(query)


def _member_value(parameter: str, kind: str, id: str) -> str:
    return f"{kind}/{id}" if parameter == "member" else id


def covers(query: Query, wanted: GroupFilter) -> bool:
    """Tell whether the parameters, when applied, leave nothing of the filter to do."""
    names = {name for name, _ in query}
    return (
        (wanted.type is None or "type" in names)
        and (wanted.patient is None or bool(names & set(PATIENT_PARAMETERS)))
        and (wanted.practitioner is None or (wanted.patient is None and "member" in names))
    )


def judge(query: Query, wanted: GroupFilter, page: Searchset) -> ParameterSupport:
    """Judge how the upstream took the parameters, from one page of its answer.

    Without any `self` link a page on which everything fits proves nothing either way: the
    parameter is then neither obeyed nor ignored. An empty page is a true answer in any case.
    """
    if not page.groups:
        return ParameterSupport(applied=True)
    names = frozenset(name for name, _ in query)
    unfit = frozenset(name for name in names if not all(map(wanted.part(name).fits, page.groups)))
    own = page.links.get("self")
    if own is None:
        return ParameterSupport(applied=not names, ignored=unfit)
    ignored = unfit | (names - {name for name, _ in own.query})
    return ParameterSupport(applied=not ignored, obeyed=names - ignored, ignored=ignored)
