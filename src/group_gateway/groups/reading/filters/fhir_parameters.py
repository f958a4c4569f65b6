"""FHIR R4's search parameters of Group, and whether a decoded group matches one. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from group_gateway.fhir.json_objects import objects_of
from group_gateway.fhir.literal_reference import relative_to
from group_gateway.groups.reading.filters.date_parameter import interval_of, moment_of

Elements = Mapping[str, Any]
Check = Callable[[Elements, str, str], bool]
"""Whether elements match a parameter's value, given the upstream's base URL."""


@dataclass(frozen=True, slots=True)
class CheckedParameter:
    """A parameter of a FHIR `type`, which `check` applies to an `element`."""

    type: str
    element: str
    check: Check


_BAR: Final = re.compile(r"(?<!\\)(?:\\\\)*\|")
_DOLLAR: Final = re.compile(r"(?<!\\)(?:\\\\)*\$")


def _unescaped(text: str) -> str:
    return re.sub(r"\\([,|$\\])", r"\1", text)


def _split(pattern: re.Pattern[str], text: str) -> tuple[str | None, str]:
    """Return the text before and after the first separator; None for no separator."""
    match = pattern.search(text)
    if match is None:
        return None, _unescaped(text)
    return _unescaped(text[: match.end() - 1]), _unescaped(text[match.end() :])


def _is_coded(system: Any, code: Any, token: str) -> bool:
    """Compare a token (`code`, `system|code`, `|code`, `system|`) with a system and a code."""
    wanted_system, wanted = _split(_BAR, token)
    if wanted_system is not None and (system or "") != wanted_system:
        return False
    return not wanted or code == wanted


def _code_of(name: str) -> Check:
    def check(elements: Elements, token: str, _base_url: str) -> bool:
        _, wanted = _split(_BAR, token)
        value = elements.get(name)
        if isinstance(value, bool):
            value = "true" if value else "false"
        return bool(value == wanted)

    return check


def _concept(value: Any, token: str) -> bool:
    codings = [c for concept in objects_of(value) for c in objects_of(concept.get("coding"))]
    return any(_is_coded(c.get("system"), c.get("code"), token) for c in codings)


def _code(elements: Elements, token: str, _base_url: str) -> bool:
    return _concept(elements.get("code"), token)


def _identifier(elements: Elements, token: str, _base_url: str) -> bool:
    found = objects_of(elements.get("identifier"))
    return any(_is_coded(item.get("system"), item.get("value"), token) for item in found)


def _traits(elements: Elements) -> list[Elements]:
    return list(objects_of(elements.get("characteristic")))


def _characteristic(elements: Elements, token: str, _base_url: str) -> bool:
    return any(_concept(trait.get("code"), token) for trait in _traits(elements))


def _has_value(trait: Elements, token: str) -> bool:
    flag = trait.get("valueBoolean")
    if isinstance(flag, bool):
        return _split(_BAR, token)[1] == ("true" if flag else "false")
    return _concept(trait.get("valueCodeableConcept"), token)


def _value(elements: Elements, token: str, _base_url: str) -> bool:
    return any(_has_value(trait, token) for trait in _traits(elements))


def _characteristic_value(elements: Elements, value: str, _base_url: str) -> bool:
    match = _DOLLAR.search(value)
    if match is None:
        return False
    code, wanted = value[: match.end() - 1], value[match.end() :]
    return any(
        _concept(trait.get("code"), code) and _has_value(trait, wanted)
        for trait in _traits(elements)
    )


def _exclude(elements: Elements, token: str, _base_url: str) -> bool:
    wanted = _split(_BAR, token)[1]
    return any(
        ("true" if trait.get("exclude") is True else "false") == wanted
        for trait in _traits(elements)
    )


def _refers(reference: Any, wanted: str, base_url: str) -> bool:
    """Compare a Reference with `<type>/<id>`, an id of any type, or an absolute URL."""
    text = reference.get("reference") if isinstance(reference, dict) else reference
    if not isinstance(text, str):
        return False
    own = relative_to(text.partition("/_history/")[0], base_url)
    requested = relative_to(_unescaped(wanted), base_url)
    if own == requested:
        return True
    kind, _, id = own.partition("/")
    return "/" not in requested and id == requested and kind.isalpha()


def _member(elements: Elements, wanted: str, base_url: str) -> bool:
    return any(
        _refers(m.get("entity"), wanted, base_url) for m in objects_of(elements.get("member"))
    )


def _managing_entity(elements: Elements, wanted: str, base_url: str) -> bool:
    return _refers(elements.get("managingEntity"), wanted, base_url)


def _meta(elements: Elements) -> Elements:
    return next(objects_of(elements.get("meta")), {})


def _meta_coding(name: str) -> Check:
    def check(elements: Elements, token: str, _base_url: str) -> bool:
        found = objects_of(_meta(elements).get(name))
        return any(_is_coded(c.get("system"), c.get("code"), token) for c in found)

    return check


def _meta_uri(name: str) -> Check:
    def check(elements: Elements, uri: str, _base_url: str) -> bool:
        found = _meta(elements).get(name)
        return _unescaped(uri) in (found if isinstance(found, list) else [found])

    return check


def _last_updated(elements: Elements, value: str, _base_url: str) -> bool:
    text = _meta(elements).get("lastUpdated")
    moment = moment_of(text) if isinstance(text, str) else None
    return moment is not None and interval_of(value).holds(moment)


def _id(elements: Elements, wanted: str, _base_url: str) -> bool:
    return elements.get("id") == _split(_BAR, wanted)[1]


PARAMETERS: Final[Mapping[str, CheckedParameter]] = {
    "_id": CheckedParameter("token", "id", _id),
    "_lastUpdated": CheckedParameter("date", "meta", _last_updated),
    "_tag": CheckedParameter("token", "meta", _meta_coding("tag")),
    "_security": CheckedParameter("token", "meta", _meta_coding("security")),
    "_profile": CheckedParameter("uri", "meta", _meta_uri("profile")),
    "_source": CheckedParameter("uri", "meta", _meta_uri("source")),
    "actual": CheckedParameter("token", "actual", _code_of("actual")),
    "characteristic": CheckedParameter("token", "characteristic", _characteristic),
    "characteristic-value": CheckedParameter("composite", "characteristic", _characteristic_value),
    "code": CheckedParameter("token", "code", _code),
    "exclude": CheckedParameter("token", "characteristic", _exclude),
    "identifier": CheckedParameter("token", "identifier", _identifier),
    "managing-entity": CheckedParameter("reference", "managingEntity", _managing_entity),
    "member": CheckedParameter("reference", "member", _member),
    "type": CheckedParameter("token", "type", _code_of("type")),
    "value": CheckedParameter("token", "characteristic", _value),
}
"""FHIR R4's search parameters of Group, each with the gateway's own check."""
