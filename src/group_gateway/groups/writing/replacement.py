"""Replace a whole group by another state of it. Pure; see `changes` for what a change is."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from group_gateway.errors import Refused
from group_gateway.fhir.group_elements import DATA_TYPES, GROUP, computed_by_servers
from group_gateway.fhir.operation_outcome import Issue, warning
from group_gateway.groups.writing.changes import Change, Elements
from group_gateway.groups.writing.input_validation import member_type_issues

_COMPUTED = computed_by_servers(GROUP)
_SERVERS_OWN = computed_by_servers(DATA_TYPES["Meta"])
"""Elements of `meta` that only the server sets (FHIR R4, section 3.1.0.3)."""
_KEPT = frozenset({"resourceType", "id", "meta"})


@dataclass(frozen=True)
class ReplaceGroup(Change):
    """Make the group exactly this resource; omitted elements are removed.

    `meta` is kept if the resource has none, as FHIR servers keep tags that an update omits.
    Elements that are not `expressible` are kept too: the resource can't hold them, so their
    absence means nothing.
    """

    resource: dict[str, Any]
    expressible: Collection[str]
    rebases = False
    id_name = "id"

    @property
    def names(self) -> Collection[str]:  # type: ignore[override]  # read-only here
        """The top-level elements that it sets."""
        return self.resource.keys()

    def apply(self, elements: Elements) -> list[Issue]:
        """See Change."""
        issues = member_type_issues(self.resource, "member")
        if issues:
            raise Refused("The change is not valid.", issues=tuple(issues))
        meta = _merged_meta(elements.get("meta"), self.resource.get("meta"))
        for name in [name for name in elements if self._replaces(name)]:
            del elements[name]
        elements.update({k: v for k, v in self.resource.items() if k not in _KEPT})
        if meta:
            elements["meta"] = meta
        return []

    def check(self, stored: Elements) -> list[Issue]:
        """See Change."""
        names = filter(self._replaces, self.resource.keys() | stored.keys())
        return [
            warning("incomplete", f"`{name}` was not stored as requested.", name)
            for name in sorted(names)
            if not _is_stored(name, stored.get(name), self.resource.get(name))
        ]

    def _replaces(self, name: str) -> bool:
        return name not in _KEPT and name.removeprefix("_") in self.expressible


def _merged_meta(stored: Any, wanted: Any) -> dict[str, Any]:
    """Return the new `meta`: as wanted, except what only the server sets."""
    before = stored if isinstance(stored, dict) else {}
    if not isinstance(wanted, dict):
        return before
    requested = {name: value for name, value in wanted.items() if name not in _SERVERS_OWN}
    return {**requested, **{name: before[name] for name in before if name in _SERVERS_OWN}}


def _is_stored(name: str, stored: Any, wanted: Any) -> bool:
    if stored == wanted or name in _COMPUTED:
        return True
    return name == "member" and _without_names(stored) == _without_names(wanted)


def _without_names(members: Any) -> Any:
    """Return members without the display names, which servers may set themselves."""
    if not isinstance(members, list):
        return members
    return [_without_name(member) for member in members]


def _without_name(member: Any) -> Any:
    entity = member.get("entity") if isinstance(member, dict) else None
    if not isinstance(entity, dict):
        return member
    return {**member, "entity": {k: v for k, v in entity.items() if k != "display"}}
