"""What a client filters groups by, and whether a group really matches.

To add a field, add it to `GroupFilter` and a row to `FIELDS`, and to the input in
`schema/group_filter.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import msgspec

from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.characteristic import responsibilities_of
from group_gateway.fhir.group_resource import UNREADABLE, GroupResource, NotAGroup
from group_gateway.fhir.json_objects import objects_of
from group_gateway.groups.reading.filters.filter_fields import (
    Check,
    FilterField,
    SearchParameter,
    any_member,
    managed,
    membership,
    name_parameter,
    outlined,
    sent_concept,
    sent_dates,
    sent_flag,
    sent_reference,
    sent_token,
    sent_trait,
)
from group_gateway.groups.reading.filters.filter_values import (
    CharacteristicFilter,
    DateFilter,
    StringFilter,
    TokenFilter,
)
from group_gateway.groups.reading.filters.group_outline import Outline, names_on
from group_gateway.groups.reading.filters.name_search import exact_part, inner_part, starting_part

BY_ID = {"Patient": "patient", "Practitioner": "practitioner"}
"""Types of members that a filter can name by id, and the field for it."""
_UNDECLARED = frozenset({"type"})
"""Fields whose parameter is sent without asking whether the upstream declares it."""


@dataclass(frozen=True)
class GroupFilter:
    """AND between fields. `type` is FHIR's code; `patient` and `practitioner` are logical ids.

    `base_url` is the upstream's base URL: absolute references below it are its own.
    """

    type: str | None = None
    patient: str | None = None
    practitioner: str | None = None
    member: str | None = None
    name: StringFilter | None = None
    active: bool | None = None
    actual: bool | None = None
    identifier: TokenFilter | None = None
    code: TokenFilter | None = None
    managing_entity: str | None = None
    responsibility: str | None = None
    characteristic: CharacteristicFilter | None = None
    last_updated: DateFilter | None = None
    base_url: str = ""

    @cached_property
    def given(self) -> tuple[str, ...]:
        """The names of the fields that are set."""
        return tuple([name for name in FIELDS if getattr(self, name) is not None])

    @property
    def canonical_text(self) -> str:
        """A canonical text of the filter, which later versions with more fields don't change."""
        wanted = {name: getattr(self, name) for name in self.given}
        return msgspec.json.encode(wanted, order="sorted").decode()

    @property
    def needs_statement(self) -> bool:
        """Whether to read the CapabilityStatement before the search."""
        return not _UNDECLARED.issuperset(self.given)

    @property
    def elements(self) -> frozenset[str]:
        """The elements that the filter needs."""
        return frozenset(FIELDS[name].element for name in self.given)

    def only(self, names: Sequence[str]) -> "GroupFilter":
        """Return the filter with these fields only."""
        others: dict[str, Any] = {name: None for name in self.given if name not in names}
        return replace(self, **others)

    def fits(self, group: GroupResource) -> bool:
        """Return whether a group matches, by its own elements and whatever the upstream did.

        Raises NotAGroup for an invalid group.
        """
        try:
            return all(check(group) for check in self._checks)
        except UNREADABLE as error:
            raise NotAGroup("a value can't be decoded") from error

    def may_match(self, page: Searchset) -> bool:
        """Return False if the names on a page show that no entry matches."""
        return self.name is None or self.name.may_match(names_on(page))

    def matches(self, page: Searchset) -> Sequence[int]:
        """Return the indexes of the entries that match. Raises NotAGroup as `fits` does."""
        entries = page.entries
        if self.name is None:
            if not self.given:
                return range(len(entries))
            return [i for i, group in enumerate(entries) if group is not None and self.fits(group)]
        found = self.name.matches(names_on(page))
        if len(self.given) == 1:
            return found
        return [i for i in found if (group := entries[i]) is not None and self.fits(group)]

    @cached_property
    def _checks(self) -> tuple[Check, ...]:
        return tuple(FIELDS[name].check(getattr(self, name), self.base_url) for name in self.given)


def _is_identified(token: TokenFilter, outline: Outline) -> bool:
    return any(
        token.is_coded(i.get("system"), i.get("value")) for i in objects_of(outline.identifier)
    )


def _is_responsible(code: str, outline: Outline) -> bool:
    return code in responsibilities_of({"characteristic": outline.characteristic})


def _has_trait(trait: CharacteristicFilter, outline: Outline) -> bool:
    return any(map(trait.fits, objects_of(outline.characteristic)))


FIELDS: Final[Mapping[str, FilterField]] = {
    "type": FilterField(
        "type",
        outlined(lambda type, outline: bool(outline.type == type)),
        (SearchParameter("type", lambda type: [type], is_tried=True),),
    ),
    "patient": FilterField(
        "member",
        membership("Patient"),
        (
            SearchParameter("patient", lambda id: [id], is_tried=True),  # Canvas Medical's
            SearchParameter("member", lambda id: [f"Patient/{id}"], is_tried=True),
        ),
    ),
    "practitioner": FilterField(
        "member",
        membership("Practitioner"),
        (SearchParameter("member", lambda id: [f"Practitioner/{id}"], is_tried=True),),
    ),
    "member": FilterField(
        "member",
        any_member,
        (SearchParameter("member", sent_reference, is_tried=True),),
    ),
    "name": FilterField(
        "name",
        outlined(lambda text, o: bool(text.fits(o.name, o.folded_name))),
        (
            name_parameter("name:exact", exact_part),
            name_parameter("name", starting_part),
            name_parameter("name:contains", inner_part),
        ),
    ),
    "active": FilterField(
        "active",
        outlined(lambda flag, outline: outline.active is flag),
        (SearchParameter("active", sent_flag),),
    ),
    "actual": FilterField(
        "actual",
        outlined(lambda flag, outline: outline.actual is flag),
        (SearchParameter("actual", sent_flag),),
    ),
    "identifier": FilterField(
        "identifier", outlined(_is_identified), (SearchParameter("identifier", sent_token),)
    ),
    "code": FilterField(
        "code",
        outlined(lambda token, outline: bool(token.is_concept(outline.code))),
        (SearchParameter("code", sent_concept),),
    ),
    "managing_entity": FilterField(
        "managingEntity", managed, (SearchParameter("managing-entity", sent_reference),)
    ),
    "responsibility": FilterField("characteristic", outlined(_is_responsible)),
    "characteristic": FilterField(
        "characteristic",
        outlined(_has_trait),
        (SearchParameter("characteristic", sent_trait),),
    ),
    "last_updated": FilterField(
        "meta",
        outlined(lambda dates, outline: bool(dates.fits(outline.last_updated))),
        (SearchParameter("_lastUpdated", sent_dates),),
    ),
}
"""All fields of the filter, each with its check and its search parameters."""

PARAMETER_NAMES = frozenset(
    parameter.name for field in FIELDS.values() for parameter in field.parameters
)
"""The search parameters that express fields."""
