"""What changed in the schema since a release, from the view of clients and supergraphs. Pure.

The file of a released schema begins with the line that `group-gateway --version` printed then, as a
comment.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    BreakingChangeType,
    DangerousChangeType,
    DocumentNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    build_ast_schema,
    parse,
    print_ast,
)
from graphql.utilities import find_schema_changes

_BREAKING, _DANGEROUS = "breaking", "dangerous"
_NEEDED = frozenset({"key", "shareable"})
"""Directives without which other subgraphs no longer compose."""
_RESTRICTING = frozenset({"authenticated", "inaccessible", "policy", "requiresScopes"})
"""Directives by which a router refuses what it served before."""


@dataclass(frozen=True, order=True)
class SchemaChange:
    """A change that is not safe for everybody: `breaking`, or `dangerous` for some clients."""

    severity: str
    text: str

    @property
    def is_breaking(self) -> bool:
        """Return whether requests or compositions that worked fail now."""
        return self.severity == _BREAKING


def changes(old_sdl: str, new_sdl: str) -> list[SchemaChange]:
    """Return the unsafe changes, breaking ones first.

    Raises GraphQLError or TypeError for text that is not SDL.
    """
    old, new = parse(old_sdl), parse(new_sdl)
    return sorted([*_of_schemas(old, new), *_of_directives(old, new)])


def _of_schemas(old: DocumentNode, new: DocumentNode) -> Iterator[SchemaChange]:
    # The directives of federation are not declared in its schemas, so these are not valid alone.
    schemas = (build_ast_schema(document, assume_valid_sdl=True) for document in (old, new))
    for change in find_schema_changes(*schemas):
        if isinstance(change.type, BreakingChangeType):
            yield SchemaChange(_BREAKING, change.description)
        elif isinstance(change.type, DangerousChangeType):
            yield SchemaChange(_DANGEROUS, change.description)


def _of_directives(old: DocumentNode, new: DocumentNode) -> Iterator[SchemaChange]:
    """Find directives that other subgraphs need and lack, and new restrictions."""
    now = _directives(new)
    for place, before in _directives(old).items():
        present = now.get(place, before)  # types that are gone were reported before
        for directive in sorted(before - present):
            if _name(directive) in _NEEDED:
                yield SchemaChange(_BREAKING, f"{place} lost {directive}.")
        for directive in sorted(present - before):
            if _name(directive) in _RESTRICTING:
                yield SchemaChange(_BREAKING, f"{place} has {directive} now.")


def _directives(document: DocumentNode) -> dict[str, set[str]]:
    """Return the directives at each place, named by its schema coordinate."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for place, node in _places(document):
        found[place].update(map(print_ast, node.directives or ()))
    return found


def _places(document: DocumentNode) -> Iterator[tuple[str, Any]]:
    for node in document.definitions:
        if isinstance(node, TypeDefinitionNode | TypeExtensionNode):
            type = node.name.value
            yield type, node
            for part in (
                *(getattr(node, "fields", ()) or ()),
                *(getattr(node, "values", ()) or ()),
            ):
                place = f"{type}.{part.name.value}"
                yield place, part
                for argument in getattr(part, "arguments", ()) or ():
                    yield f"{place}({argument.name.value}:)", argument


def _name(directive: str) -> str:
    return directive[1:].partition("(")[0]


def version_of(sdl: str) -> str | None:
    """Return the version in the first line of a released schema."""
    match = re.match(r"# group-gateway (\d+\.\d+\S*)\n", sdl)
    return match[1] if match else None


def may_break(released: str, current: str) -> bool:
    """Return whether a version may break another's clients, by Semantic Versioning."""
    return _series(current) > _series(released)


def _series(version: str) -> tuple[int, int]:
    major, minor = map(int, re.findall(r"\d+", version)[:2])
    return (major, 0 if major else minor)
