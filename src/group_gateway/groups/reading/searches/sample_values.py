"""Values by which a search must find a group that has them. Pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from group_gateway.fhir.json_objects import objects_of
from group_gateway.fhir.literal_reference import LiteralReference, entity_reference

Elements = Mapping[str, Any]


def sample_value(name: str, elements: Elements) -> str | None:
    """Return a value of a search parameter that a decoded group has; None if it has none."""
    sample = _SAMPLES.get(name)
    return next(sample(elements), None) if sample is not None else None


def _code(name: str) -> Callable[[Elements], Iterator[str]]:
    def sample(elements: Elements) -> Iterator[str]:
        value = elements.get(name)
        if isinstance(value, bool):
            yield "true" if value else "false"
        elif isinstance(value, str):
            yield value

    return sample


def _members(elements: Elements) -> Iterator[LiteralReference]:
    for member in objects_of(elements.get("member")):
        reference = entity_reference(member)
        if reference is not None and reference.base is None:
            yield reference


def _patient(elements: Elements) -> Iterator[str]:
    return (reference.id for reference in _members(elements) if reference.type == "Patient")


def _managing_entity(elements: Elements) -> Iterator[str]:
    reference = entity_reference({"entity": elements.get("managingEntity")})
    if reference is not None and reference.base is None:
        yield str(reference)


def _token(system: Any, code: Any) -> Iterator[str]:
    texts = [text for text in (system, code) if isinstance(text, str) and text]
    if len(texts) == 2 and not any(sign in text for text in texts for sign in "|,$\\"):  # noqa: PLR2004
        yield "|".join(texts)


def _identifier(elements: Elements) -> Iterator[str]:
    for item in objects_of(elements.get("identifier")):
        yield from _token(item.get("system"), item.get("value"))


def _concept(concept: Any) -> Iterator[str]:
    for item in objects_of(concept):
        for coding in objects_of(item.get("coding")):
            yield from _token(coding.get("system"), coding.get("code"))


def _characteristic(elements: Elements) -> Iterator[str]:
    for trait in objects_of(elements.get("characteristic")):
        yield from _concept(trait.get("code"))


_SAMPLES: Final[Mapping[str, Callable[[Elements], Iterator[str]]]] = {
    "active": _code("active"),
    "actual": _code("actual"),
    "characteristic": _characteristic,
    "code": lambda elements: _concept(elements.get("code")),
    "identifier": _identifier,
    "managing-entity": _managing_entity,
    "member": lambda elements: map(str, _members(elements)),
    "patient": _patient,
    "type": _code("type"),
}
