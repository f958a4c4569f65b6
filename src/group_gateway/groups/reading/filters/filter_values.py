"""The operands of a filter's fields, and whether the elements of a group match them. Pure."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from group_gateway.fhir.characteristic import concept_text
from group_gateway.fhir.json_objects import objects_of
from group_gateway.groups.reading.filters.date_parameter import Interval, interval_of, moment_of
from group_gateway.groups.reading.filters.group_outline import PageNames
from group_gateway.groups.reading.filters.text_folding import fold


@dataclass(frozen=True)
class StringFilter:
    """A text: `equals` is exact, the others ignore case and accents."""

    equals: str | None = None
    contains: str | None = None
    starts_with: str | None = None

    @property
    def text(self) -> str:
        """The text, if only one field is given."""
        given = (self.equals, self.contains, self.starts_with)
        return next((text for text in given if text is not None), "")

    @cached_property
    def _folded(self) -> tuple[str | None, str | None]:
        return _fold(self.contains), _fold(self.starts_with)

    @cached_property
    def _longest(self) -> str:
        """The longest text that is in every match, folded."""
        return max((text for text in self._folded if text is not None), key=len, default="")

    def fits(self, text: object, folded: str) -> bool:
        """Return whether a text matches, given as it is and folded."""
        contained, start = self._folded
        return (
            isinstance(text, str)
            and (self.equals is None or text == self.equals)
            and (contained is None or contained in folded)
            and (start is None or folded.startswith(start))
        )

    def may_match(self, page: PageNames) -> bool:
        """Return False if all names on a page together show that none matches."""
        return self._longest in page.text

    def matches(self, page: PageNames) -> list[int]:
        """Return the indexes of the names on a page that match."""
        if not self.may_match(page):
            return []
        part = self._longest
        names, fits = page.names, self.fits
        return [
            i for i, folded in enumerate(page.folded) if part in folded and fits(names[i], folded)
        ]


def _fold(text: str | None) -> str | None:
    return None if text is None else fold(text)


@dataclass(frozen=True, slots=True)
class TokenFilter:
    """A coded value (FHIR R4, section 3.1.1.4.10). An empty `system` means no system."""

    system: str | None = None
    value: str | None = None

    def is_coded(self, system: object, value: object) -> bool:
        """Return whether a system and a value are the wanted ones."""
        return (self.system is None or self.system == (system or "")) and (
            self.value is None or self.value == value
        )

    def is_concept(self, concept: object) -> bool:
        """Return whether a CodeableConcept matches.

        It matches by a coding, or without a system by its text.
        """
        codings = concept.get("coding") if isinstance(concept, dict) else None
        if any(self.is_coded(c.get("system"), c.get("code")) for c in objects_of(codings)):
            return True
        text = concept_text(concept)
        return text is not None and self.system is None and self.value in {None, text}

    @property
    def token(self) -> str | None:
        """The value of a token parameter; None where that would mean something else."""
        if not self.value:
            return None
        value = _escaped(self.value)
        return value if self.system is None else f"{_escaped(self.system)}|{value}"


def _escaped(text: str) -> str:
    for special in "\\,|$":
        text = text.replace(special, f"\\{special}")
    return text


@dataclass(frozen=True, slots=True)
class CharacteristicFilter:
    """A trait: its code, its value (a concept's code or text, `true` or `false`), its sense."""

    code: TokenFilter | None = None
    value: TokenFilter | None = None
    exclude: bool | None = None

    def fits(self, trait: dict[str, Any]) -> bool:
        """Return whether a characteristic is this trait."""
        return (
            (self.code is None or self.code.is_concept(trait.get("code")))
            and (self.value is None or self._has_value(trait, self.value))
            and (self.exclude is None or (trait.get("exclude") is True) == self.exclude)
        )

    @staticmethod
    def _has_value(trait: dict[str, Any], value: TokenFilter) -> bool:
        flag = trait.get("valueBoolean")
        if isinstance(flag, bool):
            return value.is_coded(None, "true" if flag else "false")
        return value.is_concept(trait.get("valueCodeableConcept"))


@dataclass(frozen=True)
class DateFilter:
    """Moments: after, from … on, before, until. Values are FHIR dates. Raises BadUserInput."""

    gt: str | None = None
    ge: str | None = None
    lt: str | None = None
    le: str | None = None

    def __post_init__(self) -> None:
        """Raise BadUserInput for an invalid date."""
        _ = self.intervals

    @cached_property
    def intervals(self) -> tuple[Interval, ...]:
        """The comparisons."""
        bounds = {"gt": self.gt, "ge": self.ge, "lt": self.lt, "le": self.le}
        given = [f"{prefix}{date}" for prefix, date in bounds.items() if date is not None]
        return tuple(map(interval_of, given))

    @property
    def instants(self) -> list[str]:
        """The values of a date parameter in UTC, which no server reads in its own time zone."""
        return [interval.as_instant for interval in self.intervals]

    def fits(self, text: object) -> bool:
        """Return whether an instant is within all bounds."""
        moment = moment_of(text) if isinstance(text, str) else None
        return moment is not None and all(interval.holds(moment) for interval in self.intervals)
