"""Who made which version of a resource, by Provenance (FHIR R4, section 6.3). Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from group_gateway.fhir.fhir_resource import FhirResource, NotAResource
from group_gateway.fhir.json_objects import objects_of
from group_gateway.fhir.literal_reference import parse_reference

_AUTHOR = "author"


class VersionAgent(NamedTuple):
    """Who made a version, and the id of the Provenance that says so."""

    who: str
    record: str


def agents_by_version(records: Iterable[FhirResource], id: str) -> dict[str, VersionAgent]:
    """Return the agent of each version of a group that a record names as its target.

    Targets without a version are ignored: it is unknown which version they mean.
    """
    found: dict[str, VersionAgent] = {}
    for record in records:
        if record.type != "Provenance":
            continue
        try:
            elements = record.elements
        except NotAResource:
            continue
        who = _agent(elements.get("agent"))
        for target in objects_of(elements.get("target")):
            text = target.get("reference")
            reference = parse_reference(text) if isinstance(text, str) else None
            if reference is None or (reference.type, reference.id) != ("Group", id):
                continue
            if who is not None and reference.version is not None:
                found.setdefault(reference.version, VersionAgent(who, record.id))
    return found


def _agent(agents: object) -> str | None:
    """Return the reference of the first agent, or else its display text; authors come first."""
    listed = list(objects_of(agents))
    listed.sort(key=lambda agent: _AUTHOR not in _codes(agent.get("type")))
    for agent in listed:
        who = agent.get("who")
        who = who if isinstance(who, dict) else {}
        for name in ("reference", "display"):
            text = who.get(name)
            if isinstance(text, str) and text:
                return text
    return None


def _codes(concept: object) -> set[object]:
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return {coding.get("code") for coding in objects_of(codings)}
