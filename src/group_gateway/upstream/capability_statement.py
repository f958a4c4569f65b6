"""What a CapabilityStatement says about Group searches. Pure."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class GroupCapability:
    """The Group part of a CapabilityStatement; `search_parameters` is None when it lists none."""

    software: str | None
    fhir_version: str | None
    interactions: frozenset[str]
    search_parameters: frozenset[str] | None
    resource_types: frozenset[str] = frozenset()
    """The types of all resources that it serves."""


def group_capability(statement: object) -> GroupCapability:
    """Parse the Group part. Missing or malformed elements count as not stated."""
    root = _object(statement)
    software = _object(root.get("software")).get("name")
    version = root.get("fhirVersion")
    group = _group_resource(root)
    names = _names(group.get("searchParam"), "name")
    return GroupCapability(
        software if isinstance(software, str) else None,
        version if isinstance(version, str) else None,
        _names(group.get("interaction"), "code"),
        names or None,
        frozenset().union(*(_names(each.get("resource"), "type") for each in _rests(root))),
    )


def _group_resource(root: dict[str, Any]) -> dict[str, Any]:
    for rest in _rests(root):
        for resource in _objects(rest.get("resource")):
            if resource.get("type") == "Group":
                return resource
    return {}


def _rests(root: dict[str, Any]) -> list[dict[str, Any]]:
    return _objects(root.get("rest"))


def _names(value: object, key: str) -> frozenset[str]:
    return frozenset(entry[key] for entry in _objects(value) if isinstance(entry.get(key), str))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
