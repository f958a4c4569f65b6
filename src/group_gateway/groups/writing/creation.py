"""A group to create: its body, and the upstream's response in terms of the input. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from group_gateway.fhir.characteristic import responsibility
from group_gateway.fhir.operation_outcome import Issue
from group_gateway.groups.writing.changes import SetElements
from group_gateway.groups.writing.input_paths import (
    ElementPath,
    at,
    resource_path,
    responsibility_path,
)

Elements = dict[str, Any]


@dataclass(frozen=True)
class NewGroup:
    """A new group: FHIR elements, and responsibilities that become characteristics."""

    values: Elements
    responsibilities: tuple[str, ...] = ()

    def elements(self) -> Elements:
        """Return all elements of the group."""
        if not self.responsibilities:
            return self.values
        traits = [*self._traits(), *map(responsibility, self.responsibilities)]
        return {**self.values, "characteristic": traits}

    def check(self, stored: Elements) -> list[Issue]:
        """Return a warning for each part that the upstream did not store."""
        warnings = SetElements(self.elements()).check(stored)
        if "characteristic" in self.values:
            return warnings
        renamed: dict[ElementPath, ElementPath] = {("characteristic",): ("responsibilities",)}
        return [replace(w, input_path=renamed.get(w.input_path, w.input_path)) for w in warnings]

    def located(self, issues: Iterable[Issue]) -> tuple[Issue, ...]:
        """Return the upstream's issues with the paths of the input."""
        return tuple(at(issue, self._input_path(issue)) for issue in issues)

    def _input_path(self, issue: Issue) -> ElementPath:
        path = resource_path(issue)
        if not path:
            return responsibility_path(issue, self.responsibilities)
        first = len(self._traits())
        appended: dict[ElementPath, ElementPath] = {
            ("characteristic", str(first + index)): ("responsibilities", str(index))
            for index in range(len(self.responsibilities))
        }
        own = path if path[0] in self.values else ()
        return appended.get(path[:2], own)

    def _traits(self) -> list[Any]:
        return self.values.get("characteristic") or []
