"""FHIR search parameters of Group (R4): how they are sent, and whether a group matches. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import msgspec

from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.page_link import Query
from group_gateway.groups.reading.date_parameter import interval_of, moment_of

Elements = Mapping[str, Any]
FILTER: Final = "_filter"
SORT: Final = "_sort"


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
    """Parameters that all must match, and `sort` keys. `home` is the upstream's base URL."""

    criteria: tuple[Criterion, ...]
    sort: tuple[str, ...] = ()
    home: str = ""

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
    def looks_inside(self) -> bool:
        """Whether the search needs elements that a search result may omit."""
        return not self.names.isdisjoint(_INSIDE)

    @cached_property
    def _checked(self) -> tuple[tuple[str, tuple[str, ...], "Check"], ...]:
        return tuple(
            (c.name, c.values, _CHECKS[c.name]) for c in self.criteria if c.name in _CHECKS
        )

    @property
    def uncheckable(self) -> frozenset[str]:
        """The names of parameters that only the upstream can apply."""
        return self.names - _CHECKS.keys()

    def without(self, name: str) -> "SearchCriteria":
        """Return the criteria without a parameter."""
        rest = tuple(c for c in self.criteria if c.name != name)
        return SearchCriteria(rest, self.sort, self.home)

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
            if not any(check(elements, value, self.home) for value in values)
        ]

    def to_json(self) -> list[Any]:
        """Return the criteria as JSON values, for a cursor."""
        return [[[c.name, c.values] for c in self.criteria], self.sort]

    @classmethod
    def from_json(cls, value: list[Any], home: str) -> "SearchCriteria":
        """Return the criteria that `to_json` made."""
        criteria, sort = value
        found = (Criterion(name, tuple(values)) for name, values in criteria)
        return cls(tuple(found), tuple(sort), home)

    def __str__(self) -> str:
        return msgspec.json.encode(self.to_json()).decode()


_INSIDE: Final = frozenset({"member", "characteristic", "characteristic-value", "exclude", "value"})
Check = Callable[[Elements, str, str], bool]
_COMMA: Final = re.compile(r"(?<!\\)((?:\\\\)*),")
_BAR: Final = re.compile(r"(?<!\\)(?:\\\\)*\|")
_DOLLAR: Final = re.compile(r"(?<!\\)(?:\\\\)*\$")


def _unescaped(text: str) -> str:
    return re.sub(r"\\([,|$\\])", r"\1", text)


def _split(pattern: re.Pattern[str], text: str) -> tuple[str | None, str]:
    """Return the text before and after the first separator; None for no separator."""
    match = pattern.search(text)
    if match is None:
        return None, _unescaped(text)
    return _unescaped(text[: match.end() - 1]), _unescaped(text[match.end() :])


def _items(value: Any) -> Iterator[Elements]:
    for item in value if isinstance(value, list) else (value,):
        if isinstance(item, dict):
            yield item


def _is_coded(system: Any, code: Any, token: str) -> bool:
    """Compare a token (`code`, `system|code`, `|code`, `system|`) with a system and a code."""
    wanted_system, wanted = _split(_BAR, token)
    if wanted_system is not None and (system or "") != wanted_system:
        return False
    return not wanted or code == wanted


def _code_of(name: str) -> Check:
    def check(elements: Elements, token: str, _home: str) -> bool:
        _, wanted = _split(_BAR, token)
        value = elements.get(name)
        if isinstance(value, bool):
            value = "true" if value else "false"
        return bool(value == wanted)

    return check


def _concept(value: Any, token: str) -> bool:
    codings = [c for concept in _items(value) for c in _items(concept.get("coding"))]
    return any(_is_coded(c.get("system"), c.get("code"), token) for c in codings)


def _code(elements: Elements, token: str, _home: str) -> bool:
    return _concept(elements.get("code"), token)


def _identifier(elements: Elements, token: str, _home: str) -> bool:
    found = _items(elements.get("identifier"))
    return any(_is_coded(item.get("system"), item.get("value"), token) for item in found)


def _traits(elements: Elements) -> list[Elements]:
    return list(_items(elements.get("characteristic")))


def _characteristic(elements: Elements, token: str, _home: str) -> bool:
    return any(_concept(trait.get("code"), token) for trait in _traits(elements))


def _has_value(trait: Elements, token: str) -> bool:
    flag = trait.get("valueBoolean")
    if isinstance(flag, bool):
        return _split(_BAR, token)[1] == ("true" if flag else "false")
    return _concept(trait.get("valueCodeableConcept"), token)


def _value(elements: Elements, token: str, _home: str) -> bool:
    return any(_has_value(trait, token) for trait in _traits(elements))


def _characteristic_value(elements: Elements, value: str, _home: str) -> bool:
    match = _DOLLAR.search(value)
    if match is None:
        return False
    code, wanted = value[: match.end() - 1], value[match.end() :]
    return any(
        _concept(trait.get("code"), code) and _has_value(trait, wanted)
        for trait in _traits(elements)
    )


def _exclude(elements: Elements, token: str, _home: str) -> bool:
    wanted = _split(_BAR, token)[1]
    return any(
        ("true" if trait.get("exclude") is True else "false") == wanted
        for trait in _traits(elements)
    )


def _refers(reference: Any, wanted: str, home: str) -> bool:
    """Compare a Reference with `<type>/<id>`, an id of any type, or an absolute URL."""
    text = reference.get("reference") if isinstance(reference, dict) else reference
    if not isinstance(text, str):
        return False
    own = text.partition("/_history/")[0].removeprefix(f"{home}/")
    asked = _unescaped(wanted).removeprefix(f"{home}/")
    if own == asked:
        return True
    kind, _, id = own.partition("/")
    return "/" not in asked and id == asked and kind.isalpha()


def _member(elements: Elements, wanted: str, home: str) -> bool:
    return any(_refers(m.get("entity"), wanted, home) for m in _items(elements.get("member")))


def _managing_entity(elements: Elements, wanted: str, home: str) -> bool:
    return _refers(elements.get("managingEntity"), wanted, home)


def _meta(elements: Elements) -> Elements:
    return next(_items(elements.get("meta")), {})


def _meta_coding(name: str) -> Check:
    def check(elements: Elements, token: str, _home: str) -> bool:
        found = _items(_meta(elements).get(name))
        return any(_is_coded(c.get("system"), c.get("code"), token) for c in found)

    return check


def _meta_uri(name: str) -> Check:
    def check(elements: Elements, uri: str, _home: str) -> bool:
        found = _meta(elements).get(name)
        return _unescaped(uri) in (found if isinstance(found, list) else [found])

    return check


def _last_updated(elements: Elements, value: str, _home: str) -> bool:
    text = _meta(elements).get("lastUpdated")
    moment = moment_of(text) if isinstance(text, str) else None
    return moment is not None and interval_of(value).holds(moment)


def _id(elements: Elements, wanted: str, _home: str) -> bool:
    return elements.get("id") == _split(_BAR, wanted)[1]


_CHECKS: Final[Mapping[str, Check]] = {
    "_id": _id,
    "_lastUpdated": _last_updated,
    "_profile": _meta_uri("profile"),
    "_security": _meta_coding("security"),
    "_source": _meta_uri("source"),
    "_tag": _meta_coding("tag"),
    "actual": _code_of("actual"),
    "characteristic": _characteristic,
    "characteristic-value": _characteristic_value,
    "code": _code,
    "exclude": _exclude,
    "identifier": _identifier,
    "managing-entity": _managing_entity,
    "member": _member,
    "type": _code_of("type"),
    "value": _value,
}
CHECKED_PARAMETERS: Final = frozenset(_CHECKS)
"""The parameters that the gateway can apply itself."""
