"""From a query string to a search: the known parameters, and their meaning.

Unknown parameters have no effect and are not echoed in the `self` link, as upstream.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import parse_qsl

from group_gateway.sandbox.checks.rules import MEMBER_KINDS
from group_gateway.sandbox.data.records import Search
from group_gateway.sandbox.outcome import refuse
from group_gateway.sandbox.quirks import Quirks

DEFAULT_COUNT: Final = 10
_NUMBER: Final = re.compile(r"[0-9]{1,9}")


def parse_search(query: str, quirks: Quirks, visible: Callable[[str], bool]) -> Search:
    """Parse a query string; raise `Refusal` 400 for one that the upstream refuses."""
    # The last of a repeated parameter counts, as in the upstream's framework.
    given = {
        name: value for name, value in parse_qsl(query) if name not in quirks.ignore_parameters
    }
    member = member_parameter(quirks)
    criteria = {
        name: _values(name, given[name], quirks)
        for name in given
        if name in {"_id", "type", member}
    }
    return Search(
        ids=criteria.get("_id"),
        types=criteria.get("type"),
        members=_members(criteria.get(member), member),
        count=min(_number(given, "_count", DEFAULT_COUNT, 1), quirks.max_count),
        offset=_number(given, "_offset", 0, 0),
        applied=tuple((name, given[name]) for name in criteria),
        visible=visible,
    )


def member_parameter(quirks: Quirks) -> str:
    """Return the name of the parameter that finds groups by a member."""
    return "member" if quirks.member_parameter else "patient"


def _values(name: str, value: str, quirks: Quirks) -> list[str]:
    if "," in value and quirks.refuse_comma_lists:
        raise refuse(400, f"Search parameter '{name}' takes a single value")
    return [value] if quirks.comma_lists_literal else value.split(",")


def _members(values: Iterable[str] | None, parameter: str) -> list[str] | None:
    if values is None:
        return None
    if parameter == "patient":
        return [f"Patient/{value.removeprefix('Patient/')}" for value in values]
    # An id without a type means a member of any type, as in FHIR.
    return [
        reference
        for value in values
        for reference in ([value] if "/" in value else [f"{kind}/{value}" for kind in MEMBER_KINDS])
    ]


def _number(given: dict[str, str], name: str, default: int, least: int) -> int:
    value = given.get(name)
    if value is None:
        return default
    if not _NUMBER.fullmatch(value) or int(value) < least:
        raise refuse(400, f"query -> {name} — Input should be a whole number from {least}")
    return int(value)
