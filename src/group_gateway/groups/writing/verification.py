"""What a write may have lost, found by comparing what was sent with what is stored. Pure."""

import re
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from itertools import zip_longest
from typing import Any

from group_gateway.fhir.decimals import is_more_exact
from group_gateway.fhir.group_elements import DATA_TYPES, GROUP, computed_by_servers
from group_gateway.fhir.literal_reference import parse_reference
from group_gateway.fhir.operation_outcome import Issue
from group_gateway.groups.writing.member_index import entries_of, member_key

Elements = dict[str, Any]
Pair = tuple[Any, Any, bool]
_COMPUTED = computed_by_servers(GROUP) | {"text"}
_DEFAULT = ("member.inactive", False, None)
"""FHIR's own default: its absence says the same (FHIR R4, section 8.13.3)."""
_RENDERED = frozenset({"display", "div", "id"})
"""Texts that servers make: the ids are those of elements (FHIR R4, section 2.24.0.2)."""
_DATE = re.compile(r"\d{4}(-\d\d){0,2}(T|$)")
_SERVER_OWNED = {"meta": computed_by_servers(DATA_TYPES["Meta"]) | {"source"}}
_MOST = 20


class How(Enum):
    """What became of an element."""

    GONE = "was there before and is gone: the upstream did not keep it."
    ROUNDED = "has fewer digits than before: the upstream did not keep it."
    CHANGED = "has another value than before: the upstream changed it, or somebody has since."


@dataclass(frozen=True, slots=True)
class Loss:
    """An element that is not stored as it was sent, by its path without indexes."""

    path: str
    how: How = How.GONE

    @property
    def warning(self) -> Issue:
        """The warning of it."""
        text = f"`{self.path}` {self.how.value}"
        return Issue("warning", "incomplete", text, expression=(f"Group.{self.path}",))


def losses(sent: Elements, stored: Elements, base_url: str) -> list[Loss]:
    """Return what was sent and is not stored so.

    A list is compared entry by entry; members by what identifies them, since a server may order
    them anew, and write a reference below its `base_url` in full. What servers compute may change.
    """
    found: dict[Loss, None] = {}
    for name, value in sent.items():
        if name == "member" and value == stored.get(name):  # up to 10,000, and hardly any number
            continue
        try:
            found |= dict.fromkeys(_missing(name, value, stored.get(name), base_url))
        except RecursionError:  # since Python 3.12 decoders go deeper than Python's own code
            if value != stored.get(name):
                found[Loss(name, How.CHANGED)] = None
    return list(found)[:_MOST]


def with_sent_references(stored: Elements, *known: Elements) -> Elements:
    """Return what is stored with references as they were sent, where a server writes them in full.

    A server may know itself by another base URL than the gateway does. It does if what is stored
    has references to that one, and `known`, what was sent and what was there before, had none.
    """
    foreign = _bases(stored).difference(*map(_bases, known))
    try:
        rewritten: Elements = _relative(stored, foreign) if foreign else stored
    except RecursionError:  # see losses
        return stored
    return rewritten


def _bases(value: Any) -> set[str]:
    """Return the base URLs of the references inside a value."""
    found: set[str] = set()
    values = [value]
    while values:
        value = values.pop()
        if isinstance(value, dict):
            text = value.get("reference")
            reference = parse_reference(text) if isinstance(text, str) and "://" in text else None
            if reference is not None and reference.base is not None:
                found.add(reference.base)
            values += value.values()
        elif isinstance(value, list):
            values += value
    return found


def _relative(value: Any, bases: Collection[str]) -> Any:
    """Return a value with the references below these base URLs made relative."""
    if isinstance(value, list):
        return [_relative(item, bases) for item in value]
    if not isinstance(value, dict):
        return value
    made = {name: _relative(inner, bases) for name, inner in value.items()}
    text = value.get("reference")
    reference = parse_reference(text) if isinstance(text, str) else None
    if reference is not None and reference.base in bases:
        made["reference"] = str(reference)
    return made


def holds_all(sent: Elements, echo: Elements, base_url: str) -> bool:
    """Return whether a response to a write has everything that was sent, changed or not."""
    return all(loss.how is How.CHANGED for loss in losses(sent, echo, base_url))


def loss_warnings(found: Iterable[Loss], reported: Collection[str]) -> list[Issue]:
    """Return a warning for each loss except those below the elements `reported`."""
    return [loss.warning for loss in found if loss.path.partition(".")[0] not in reported]


def _missing(
    path: str, sent: Any, stored: Any, base_url: str, *, is_certain: bool = True
) -> Iterator[Loss]:
    """Yield the losses of one element; it is certain or not that `stored` stands for `sent`."""
    if sent in (None, [], {}) or (path, sent, stored) == _DEFAULT:
        return
    if stored is None:
        yield Loss(path)
    elif isinstance(sent, dict) and isinstance(stored, dict):
        ignored = _SERVER_OWNED.get(path, frozenset())
        for name in sent.keys() - ignored:
            inner, other = f"{path}.{name}", stored.get(name)
            yield from _missing(inner, sent[name], other, base_url, is_certain=is_certain)
    elif isinstance(sent, list) and isinstance(stored, list):
        for one, other, is_sure in _paired(path, sent, stored, base_url):
            yield from _missing(path, one, other, base_url, is_certain=is_certain and is_sure)
    elif sent == stored:
        if is_more_exact(sent, stored):
            yield Loss(path, How.ROUNDED)
    elif is_certain and _is_changed(path, sent, stored, base_url):
        yield Loss(path, How.CHANGED)


def _is_changed(path: str, sent: Any, stored: Any, base_url: str) -> bool:
    """Return whether a value has another meaning than the one that was sent.

    Servers may compute some, write references in full or with a version, add a time to a date, and
    give moments in another zone.
    """
    name = path.rpartition(".")[2]
    if path.partition(".")[0] in _COMPUTED or name in _RENDERED:
        return False
    if not (isinstance(sent, str) and isinstance(stored, str)):
        return isinstance(sent, str | bool) and type(sent) is type(stored)
    one, other = sent.strip(), stored.strip()
    if name == "reference":
        keys = [member_key({"entity": {"reference": text}}, base_url) for text in (one, other)]
        return keys[0] != keys[1]
    return not (other == one or _is_same_moment(one, other))


def _is_same_moment(one: str, other: str) -> bool:
    if not _DATE.match(one):
        return False
    if other.startswith(f"{one}T"):
        return True
    try:
        return datetime.fromisoformat(one) == datetime.fromisoformat(other)
    except ValueError:
        return False


def _paired(path: str, sent: list[Any], stored: list[Any], base_url: str) -> Iterator[Pair]:
    """Yield the entries of a list with the stored ones; the list itself if some are gone."""
    if path == "member":
        yield from _members(sent, stored, base_url)
    elif len(stored) < len(sent):
        yield sent, None, True
    else:
        yield from _entries(sent, stored)


def _entries(sent: list[Any], stored: list[Any]) -> Iterator[Pair]:
    """Yield the entries of a list with the stored entry of each, and whether it surely is that."""
    left, rest = [], []
    for one, other in zip_longest(sent, stored):
        if one == other:
            yield one, other, True
        else:
            left += [] if one is None else [one]
            rest += [] if other is None else [other]
    if len(left) <= _MOST:
        moved = [one for one in left if one in rest]
        left = [one for one in left if one not in moved]
        rest = [other for other in rest if other not in moved]
    for one, other in zip(left, rest, strict=False):
        yield one, other, len(left) == len(rest) == 1


def _members(sent: list[Any], stored: list[Any], base_url: str) -> Iterator[Pair]:
    """Yield the members with the stored entry of each, None for a missing one.

    A member may have several entries, which a server may order anew.
    """
    entries: dict[str | None, deque[Any]] = defaultdict(deque)
    for member in entries_of({"member": stored}, "member"):
        entries[member_key(member, base_url)].append(member)
    changed: list[tuple[Any, deque[Any]]] = []
    for member in sent:
        known = entries[member_key(member, base_url)]
        if known and known[0] == member:
            known.popleft()
        elif len(known) <= _MOST and member in known:
            known.remove(member)
        else:
            changed.append((member, known))
    only_one = [len(known) == 1 for _, known in changed]  # before one of several is taken
    for (member, known), is_sure in zip(changed, only_one, strict=True):
        yield member, known.popleft() if known else None, is_sure
