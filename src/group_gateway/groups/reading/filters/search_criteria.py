"""FHIR search parameters of Group (R4): how they are sent, and whether a group matches. Pure."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import msgspec

from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.page_link import Query
from group_gateway.groups.reading.filters.date_parameter import interval_of
from group_gateway.groups.reading.filters.fhir_parameters import PARAMETERS, Check

FILTER: Final = "_filter"
SORT: Final = "_sort"
_COMMA: Final = re.compile(r"(?<!\\)((?:\\\\)*),")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One parameter; its values are alternatives."""

    name: str
    values: tuple[str, ...]

    @property
    def sent(self) -> str:
        """The value to send: a comma inside one of the alternatives is escaped."""
        return ",".join(_COMMA.sub(r"\1\\,", value) for value in self.values)


@dataclass(frozen=True)
class SearchCriteria:
    """Parameters that all must match, and `sort` keys. `base_url` is the upstream's base URL."""

    criteria: tuple[Criterion, ...]
    sort: tuple[str, ...] = ()
    base_url: str = ""

    def __post_init__(self) -> None:
        """Raise BadUserInput for a value of the wrong type."""
        for criterion in self.criteria:
            if criterion.name == "_lastUpdated":
                for value in criterion.values:
                    interval_of(value)

    def query(self, skipped: frozenset[str] = frozenset()) -> Query:
        """Return the parameters to send."""
        sent = [(c.name, c.sent) for c in self.criteria if c.name not in skipped]
        if self.sort and SORT not in skipped:
            sent.append((SORT, ",".join(self.sort)))
        return tuple(sent)

    @property
    def names(self) -> frozenset[str]:
        """The names of all parameters."""
        return frozenset(name for name, _ in self.query())

    @property
    def elements(self) -> frozenset[str]:
        """The elements that the search needs."""
        return frozenset(PARAMETERS[name].element for name in self.names if name in PARAMETERS)

    @cached_property
    def _checked(self) -> tuple[tuple[str, tuple[str, ...], Check], ...]:
        return tuple(
            (c.name, c.values, PARAMETERS[c.name].check)
            for c in self.criteria
            if c.name in PARAMETERS
        )

    @property
    def uncheckable(self) -> frozenset[str]:
        """The names of parameters that only the upstream can apply."""
        return self.names - PARAMETERS.keys()

    def without(self, name: str) -> "SearchCriteria":
        """Return the criteria without a parameter."""
        rest = tuple(c for c in self.criteria if c.name != name)
        return SearchCriteria(rest, self.sort, self.base_url)

    def values(self, name: str) -> tuple[str, ...] | None:
        """Return the values of a parameter; None when it is absent."""
        return next((c.values for c in self.criteria if c.name == name), None)

    def fits(self, group: GroupResource) -> bool:
        """Return whether a group matches, whatever the upstream did. Raises NotAGroup."""
        return not self.misfits(group)

    def matches(self, page: Searchset) -> list[int]:
        """Return the indexes of the entries that match. Raises NotAGroup."""
        return [
            index
            for index, group in enumerate(page.entries)
            if group is not None and not self.misfits(group)
        ]

    def misfits(self, group: GroupResource) -> list[str]:
        """Return the names of the parameters that a group does not match. Raises NotAGroup."""
        if not self._checked:
            return []
        elements = group.elements
        return [
            name
            for name, values, check in self._checked
            if not any(check(elements, value, self.base_url) for value in values)
        ]

    def to_json(self) -> list[Any]:
        """Return the criteria as JSON values, for a cursor."""
        return [[[c.name, c.values] for c in self.criteria], self.sort]

    @classmethod
    def from_json(cls, value: list[Any], base_url: str) -> "SearchCriteria":
        """Return the criteria that `to_json` made."""
        criteria, sort = value
        found = (Criterion(name, tuple(values)) for name, values in criteria)
        return cls(tuple(found), tuple(sort), base_url)

    def __str__(self) -> str:
        return msgspec.json.encode(self.to_json()).decode()
