"""What a client filters groups by, and whether a group really matches."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

import msgspec

from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.characteristic import responsibilities_of
from group_gateway.fhir.group_resource import UNREADABLE, GroupResource, NotAGroup
from group_gateway.fhir.literal_reference import entity_text, parse_reference
from group_gateway.groups.reading.filter_values import (
    CharacteristicFilter,
    DateFilter,
    StringFilter,
    TokenFilter,
    items,
)
from group_gateway.groups.reading.group_outline import Outline, names_on, outline_of

Check = Callable[[GroupResource], bool]
PATIENT_PARAMETERS = ("patient", "member")
"""Search parameters that find a patient's groups: Canvas Medical's, and FHIR R4's."""
_UNDECLARED = frozenset({"type", "home"})
_INSIDE = frozenset({"patient", "practitioner", "member", "responsibility", "characteristic"})


class _Membered(msgspec.Struct):
    member: Any = None


_membered = msgspec.json.Decoder(_Membered)


@dataclass(frozen=True)
class GroupFilter:
    """AND between fields. `type` is FHIR's code; `patient` and `practitioner` are logical ids.

    `home` is the upstream's base URL: absolute references below it are its own.
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
    home: str = ""

    @cached_property
    def given(self) -> tuple[str, ...]:
        """The names of the fields that are set."""
        return tuple(
            each.name
            for each in fields(self)
            if each.name != "home" and getattr(self, each.name) is not None
        )

    @property
    def question(self) -> str:
        """A canonical text of the filter, which later versions with more fields don't change."""
        wanted = {name: getattr(self, name) for name in self.given}
        return msgspec.json.encode(
            {
                name: value if isinstance(value, str | bool) else asdict(value)
                for name, value in wanted.items()
            },
            order="sorted",
        ).decode()

    @property
    def needs_statement(self) -> bool:
        """Whether to read the CapabilityStatement before the search."""
        return not _UNDECLARED.issuperset(self.given)

    @property
    def looks_inside(self) -> bool:
        """Whether the filter needs elements that a search may omit."""
        return not _INSIDE.isdisjoint(self.given)

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
        return tuple(_CHECKS[name](self) for name in self.given)


def _outlined(judge: Callable[[GroupFilter, Outline], bool]) -> Callable[[GroupFilter], Check]:
    """Make a check of elements other than members."""

    def checked(wanted: GroupFilter) -> Check:
        return lambda group: judge(wanted, outline_of(group))

    return checked


def _membership(kind: str, field: str) -> Callable[[GroupFilter], Check]:
    """Make a check that a member of a type has a logical id."""

    def checked(wanted: GroupFilter) -> Check:
        id = getattr(wanted, field)
        return lambda group: _has_member(group, id, f"{kind}/{id}", wanted.home)

    return checked


def _any_member(wanted: GroupFilter) -> Check:
    text = wanted.member or ""
    return lambda group: _has_member(group, text.rpartition("/")[2], text, wanted.home)


def _has_member(group: GroupResource, mark: str, wanted: str, home: str) -> bool:
    # Most groups don't name the member anywhere: finding that out costs next to nothing, where
    # decoding 10,000 members takes milliseconds. JSON may write any letter as an escape, though.
    if mark.encode() not in group.raw and b"\\u" not in group.raw:
        return False
    try:
        members = _membered.decode(group.raw).member
    except msgspec.ValidationError:  # a number that nothing can hold
        members = group.elements.get("member")
    texts = map(entity_text, members) if isinstance(members, list) else ()
    return any(text is not None and mark in text and _same(text, wanted, home) for text in texts)


def _same(text: str, wanted: str, home: str) -> bool:
    """Return whether two references have the same target."""
    if text == wanted:
        return True
    ours, theirs = parse_reference(text), parse_reference(wanted)
    if ours is None or theirs is None or (ours.type, ours.id) != (theirs.type, theirs.id):
        return False
    return _base(ours.base, home) == _base(theirs.base, home)


def _base(base: str | None, home: str) -> str:
    return home if base is None else base.rstrip("/")


def _is_managed(wanted: GroupFilter, outline: Outline) -> bool:
    text = entity_text({"entity": outline.managingEntity})
    return text is not None and _same(text, wanted.managing_entity or "", wanted.home)


def _is_identified(wanted: GroupFilter, outline: Outline) -> bool:
    token = wanted.identifier or TokenFilter()
    return any(token.is_coded(i.get("system"), i.get("value")) for i in items(outline.identifier))


def _is_responsible(wanted: GroupFilter, outline: Outline) -> bool:
    return wanted.responsibility in responsibilities_of({"characteristic": outline.characteristic})


def _has_trait(wanted: GroupFilter, outline: Outline) -> bool:
    return any(
        map((wanted.characteristic or CharacteristicFilter()).fits, items(outline.characteristic))
    )


_CHECKS: dict[str, Callable[[GroupFilter], Check]] = {
    "type": _outlined(lambda wanted, outline: bool(outline.type == wanted.type)),
    "patient": _membership("Patient", "patient"),
    "practitioner": _membership("Practitioner", "practitioner"),
    "member": _any_member,
    "name": _outlined(lambda w, o: (w.name or StringFilter()).fits(o.name, o.folded_name)),
    "active": _outlined(lambda wanted, outline: outline.active is wanted.active),
    "actual": _outlined(lambda wanted, outline: outline.actual is wanted.actual),
    "identifier": _outlined(_is_identified),
    "code": _outlined(lambda w, o: (w.code or TokenFilter()).is_concept(o.code)),
    "managing_entity": _outlined(_is_managed),
    "responsibility": _outlined(_is_responsible),
    "characteristic": _outlined(_has_trait),
    "last_updated": _outlined(lambda w, o: (w.last_updated or DateFilter()).fits(o.last_updated)),
}
"""How to check each field of the filter."""
