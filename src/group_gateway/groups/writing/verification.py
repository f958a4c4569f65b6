"""What a write may have lost, found by comparing what was sent with what is stored. Pure."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from group_gateway.fhir.decimals import is_more_exact
from group_gateway.fhir.group_elements import DATA_TYPES, computed_by_servers
from group_gateway.fhir.operation_outcome import Issue
from group_gateway.groups.writing.member_index import entries_of, member_key

Elements = dict[str, Any]
_SERVER_OWNED = {"meta": computed_by_servers(DATA_TYPES["Meta"]) | {"source"}}
_MOST = 20


@dataclass(frozen=True, slots=True)
class Loss:
    """An element that was sent and is not stored, by its path without indexes.

    `is_rounded`: it is a number that is stored with fewer digits.
    """

    path: str
    is_rounded: bool = False

    @property
    def warning(self) -> Issue:
        """The warning of it."""
        what = "has fewer digits than before" if self.is_rounded else "was there before and is gone"
        text = f"`{self.path}` {what}: the upstream did not keep it."
        return Issue("warning", "incomplete", text, expression=(f"Group.{self.path}",))


def losses(sent: Elements, stored: Elements, base_url: str) -> list[Loss]:
    """Return what was sent and is not stored.

    A list is compared entry by entry; members by what identifies them, since a server may order
    them anew, and write a reference below its `base_url` in full.
    """
    found: dict[Loss, None] = {}
    for name, value in sent.items():
        if name == "member" and value == stored.get(name):  # up to 10,000, and hardly any number
            continue
        found |= dict.fromkeys(_missing(name, value, stored.get(name), base_url))
    return list(found)[:_MOST]


def loss_warnings(found: Iterable[Loss], reported: Collection[str]) -> list[Issue]:
    """Return a warning for each loss except those below the elements `reported`."""
    return [loss.warning for loss in found if loss.path.partition(".")[0] not in reported]


def _missing(path: str, sent: Any, stored: Any, base_url: str) -> Iterator[Loss]:
    if sent in (None, [], {}):
        return
    if stored is None:
        yield Loss(path)
    elif isinstance(sent, dict) and isinstance(stored, dict):
        ignored = _SERVER_OWNED.get(path, frozenset())
        for name in sent.keys() - ignored:
            yield from _missing(f"{path}.{name}", sent[name], stored.get(name), base_url)
    elif isinstance(sent, list) and isinstance(stored, list):
        is_members = path == "member"
        if not is_members and len(stored) < len(sent):
            yield Loss(path)
            return
        pairs = _members(sent, stored, base_url) if is_members else zip(sent, stored, strict=False)
        for one, other in pairs:
            if is_members and one == other:
                continue
            yield from _missing(path, one, other, base_url)
    elif sent == stored and is_more_exact(sent, stored):
        yield Loss(path, is_rounded=True)


def _members(sent: list[Any], stored: list[Any], base_url: str) -> Iterator[tuple[Any, Any]]:
    """Yield the members with the stored entry of each, None for a missing one."""
    entries: dict[str | None, deque[Any]] = defaultdict(deque)
    for member in entries_of({"member": stored}, "member"):
        entries[member_key(member, base_url)].append(member)
    for member in sent:
        known = entries.get(member_key(member, base_url))
        yield member, known.popleft() if known else None
