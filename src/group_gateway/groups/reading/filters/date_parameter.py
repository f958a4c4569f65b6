"""Values of date search parameters (FHIR R4, section 3.1.1.4.7). Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from group_gateway.errors import BadUserInput

_MOMENT: Final = re.compile(
    r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(\d{4})(?:-(\d\d)(?:-(\d\d)"
    r"(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_TICK: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Interval:
    """A comparison, with the first and last moment of its operand."""

    prefix: str
    first: datetime
    last: datetime

    @property
    def as_instant(self) -> str:
        """The same comparison with one instant in UTC, for `gt`, `ge`, `lt` and `le`."""
        match self.prefix:
            case "gt":
                return f"ge{_utc(self.last + _TICK)}"
            case "le":
                return f"lt{_utc(self.last + _TICK)}"
        return f"{self.prefix}{_utc(self.first)}"

    def holds(self, moment: datetime) -> bool:  # noqa: PLR0911 - one for each comparison
        """Return whether a moment satisfies the comparison."""
        match self.prefix:
            case "ne":
                return not self.first <= moment <= self.last
            case "gt" | "sa":
                return moment > self.last
            case "lt" | "eb":
                return moment < self.first
            case "ge":
                return moment >= self.first
            case "le":
                return moment <= self.last
            case "ap":
                return self.first - _DAY <= moment <= self.last + _DAY
        return self.first <= moment <= self.last


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment_of(text: str) -> datetime | None:
    """Return the moment of a FHIR instant; None for an invalid one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def interval_of(text: str) -> Interval:
    """Parse the value of a date parameter; raise BadUserInput."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise BadUserInput("A date looks like 2026-11-22, ge2026 or lt2026-11-22T10:00:00Z.")
    prefix, year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        start = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=UTC,
        )
        end = _end(start, month, day, hour, second)
        if fraction:
            start += timedelta(seconds=float(fraction))
            end = start + _TICK
        shift = _shift(zone or "Z")
        return Interval(prefix or "eq", start - shift, end - shift - _TICK)
    except (ValueError, OverflowError):
        raise BadUserInput("A date names a moment that does not exist.") from None


def _shift(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta()
    shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    return shift if zone[0] == "+" else -shift


def _end(start: datetime, *parts: str | None) -> datetime:
    """Return the moment after a year, month, day, minute or second."""
    month, day, hour, second = parts
    if second:
        return start + timedelta(seconds=1)
    if hour:
        return start + timedelta(minutes=1)
    if day:
        return start + _DAY
    if month:
        return (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    return start.replace(year=start.year + 1)
