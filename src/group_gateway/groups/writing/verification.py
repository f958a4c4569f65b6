"""What a write may have lost, found by comparing what was sent with what is stored. Pure."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from group_gateway.fhir.group_elements import DATA_TYPES, computed_by_servers
from group_gateway.fhir.operation_outcome import Issue
from group_gateway.groups.writing.member_index import entries_of, member_key

Elements = dict[str, Any]
_SERVER_OWNED = {"meta": computed_by_servers(DATA_TYPES["Meta"]) | {"source"}}
_MOST = 20


def gone_paths(sent: Elements, stored: Elements) -> list[str]:
    """Return the paths of the elements that were sent and are not stored, without indexes.

    A list is compared entry by entry; members by what identifies them, since a server may order
    them anew.
    """
    paths: dict[str, None] = {}
    for name, value in sent.items():
        paths |= dict.fromkeys(_missing(name, value, stored.get(name)))
    return list(paths)[:_MOST]


def gone_warnings(paths: Iterable[str], reported: Collection[str]) -> list[Issue]:
    """Return a warning for each path except those below the elements `reported`."""
    return [_warning(path) for path in paths if path.partition(".")[0] not in reported]


def _warning(path: str) -> Issue:
    text = f"`{path}` was there before and is gone: the upstream did not keep it."
    return Issue("warning", "incomplete", text, expression=(f"Group.{path}",))


def _missing(path: str, sent: Any, stored: Any) -> Iterator[str]:
    if sent in (None, [], {}) or sent == stored:
        return
    if stored is None:
        yield path
    elif isinstance(sent, dict) and isinstance(stored, dict):
        ignored = _SERVER_OWNED.get(path, frozenset())
        for name in sent.keys() - ignored:
            yield from _missing(f"{path}.{name}", sent[name], stored.get(name))
    elif isinstance(sent, list) and isinstance(stored, list):
        pairs = _members(sent, stored) if path == "member" else zip(sent, stored, strict=False)
        if path != "member" and len(stored) < len(sent):
            yield path
            return
        for one, other in pairs:
            if one != other:
                yield from _missing(path, one, other)


def _members(sent: list[Any], stored: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the members with the stored entry of each, None for a missing one."""
    entries: dict[str | None, deque[Any]] = defaultdict(deque)
    for member in entries_of({"member": stored}, "member"):
        entries[member_key(member)].append(member)
    for member in sent:
        known = entries.get(member_key(member))
        yield member, known.popleft() if known else None
