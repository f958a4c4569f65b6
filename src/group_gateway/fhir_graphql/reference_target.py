"""`Reference.resource`: from a reference to its target (FHIR R4, 2.3.0.1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from group_gateway.errors import BadUserInput, Forbidden, NotFound
from group_gateway.fhir_graphql.element_types import broken
from group_gateway.fhir_graphql.fhir_context import FhirContext, LazyResource, Resource
from group_gateway.fhir_graphql.model import GROUP, load_model

Shown = Resource | LazyResource
_ID: Final = r"[A-Za-z0-9\-.]{1,64}"
_LITERAL: Final = re.compile(
    rf"(?:(?P<base>https?://[^\s?#]{{1,1024}}?)/)?(?P<type>[A-Z][A-Za-z]{{1,63}})/(?P<id>{_ID})"
    rf"(?:/_history/(?P<version>{_ID}))?"
)
_UNRESOLVABLE: Final = "The reference can't be resolved"


@dataclass(frozen=True, slots=True)
class Target:
    """The type, id and version that a literal reference into this upstream names."""

    type: str
    id: str
    version: str | None


async def referenced_resource(
    source: Mapping[str, Any],
    info: Any,
    *,
    optional: bool = False,
    type: list[str | None] | None = None,
) -> Shown | None:
    """Return the resource that a Reference leads to.

    None where it is of another type than those wanted. What can't be resolved is an error, or
    None where the reference is `optional`; a failure of the upstream stays an error.
    """
    wanted = _checked_types(type)
    text = source.get("reference")
    if text is not None and not isinstance(text, str):
        raise broken("reference")
    try:
        return await _resolved(info.context, source, text, wanted)
    except (NotFound, Forbidden, BadUserInput):
        if optional:
            return None
        raise


def _checked_types(names: list[str | None] | None) -> frozenset[str] | None:
    if names is None:
        return None
    for name in names:
        if name is not None and name not in load_model().resources:
            raise BadUserInput("`type` names a resource type that FHIR R4 does not have.")
    return frozenset(name for name in names if name is not None)


async def _resolved(
    context: FhirContext, source: Mapping[str, Any], text: str | None, wanted: frozenset[str] | None
) -> Shown | None:
    if text is None:
        said = "it has no literal reference" if source else "it is empty"
        raise NotFound(f"{_UNRESOLVABLE}: {said}.")
    if text.startswith("#"):
        contained = context.contained(source, text[1:])
        if contained is None:
            raise NotFound(f"{_UNRESOLVABLE}: nothing of that id is contained.")
        return contained if wanted is None or contained.get("resourceType") in wanted else None
    target = target_of(text, context.services.upstream_url)
    if target is None:
        raise NotFound(f"{_UNRESOLVABLE}: it does not lead into this server.")
    if wanted is not None and target.type not in wanted:
        return None
    return await read_target(context, target)


def target_of(text: str, base_url: str) -> Target | None:
    """Return the target of a reference into the FHIR server at `base_url`; None for any other."""
    match = _LITERAL.fullmatch(text)
    if match is None or match["type"] not in load_model().resources:
        return None
    if match["base"] is not None and match["base"].rstrip("/") != base_url:
        return None
    if {match["id"], match["version"]} & {".", ".."}:
        return None
    return Target(match["type"], match["id"], match["version"])


async def read_instance(context: FhirContext, type: str, id: str) -> Shown:
    """Read the resource of a request; raise Gone, or NotFound when there is none."""
    try:
        return await read_target(context, Target(type, id, None))
    except NotFound:
        if type == GROUP:  # the loader of groups does not distinguish the two
            await context.services.resources.get(context.operation, type, id)
        raise


async def read_target(context: FhirContext, target: Target) -> Shown:
    """Read a resource, or one version of it; raise NotFound when there is none."""
    services, operation = context.services, context.operation
    resource: Any
    if target.type == GROUP and target.version is None:
        resource = await services.reads.get(operation, target.id)
    else:
        resource = await services.resources.get(operation, target.type, target.id, target.version)
    if resource is None:
        raise NotFound(f"There is no such {target.type}.")
    return context.lazy(resource)
