"""The elements of a Group and of the data types inside it: one row for each.

Reads, inputs, checks, merging and the tests follow this table. A new element also needs its fields
in `schema/group.py` and `schema/inputs.py`; a test compares them with the table. Extensions have no
rows: every element may have them, they are shown, and no input has them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from group_gateway.fhir.group_rules import MANAGING_TYPES, MEMBER_TYPES


@dataclass(frozen=True, slots=True)
class ElementDefinition:
    """What FHIR, the inputs and the servers do with one element. `type` is FHIR's.

    `required`: FHIR wants at least one, so that an update can't remove it. `read_only`: no input
    has it. `computed`: servers may set it themselves. `choice`: of elements with the same choice an
    object has one. `targets`: resource types that a reference may lead to, any if there are none.
    `identity`: the elements by which entries of a list are known again when an update replaces the
    list; the first that fits.
    """

    name: str
    type: str
    repeats: bool = False
    required: bool = False
    read_only: bool = False
    computed: bool = False
    choice: str = ""
    targets: tuple[str, ...] = ()
    identity: tuple[tuple[str, ...], ...] = ()

    @property
    def elements(self) -> "Elements":
        """The elements inside; none where the type is primitive."""
        return DATA_TYPES.get(self.type, {})


Elements = Mapping[str, ElementDefinition]
_E = ElementDefinition


def _table(*rows: ElementDefinition) -> Elements:
    return {row.name: row for row in rows}


_VALUES = (
    _E("valueCodeableConcept", "CodeableConcept", choice="value"),
    _E("valueBoolean", "boolean", choice="value"),
    _E("valueQuantity", "Quantity", choice="value"),
    _E("valueRange", "Range", choice="value"),
    _E("valueReference", "Reference", choice="value"),
)
DATA_TYPES: Final[Mapping[str, Elements]] = {
    "Meta": _table(
        _E("versionId", "id", computed=True),
        _E("lastUpdated", "instant", computed=True),
        _E("source", "uri"),
        _E("profile", "canonical", repeats=True),
        _E("security", "Coding", repeats=True),
        _E("tag", "Coding", repeats=True),
    ),
    "Identifier": _table(
        _E("use", "code"),
        _E("type", "CodeableConcept"),
        _E("system", "uri"),
        _E("value", "string"),
        _E("period", "Period"),
        _E("assigner", "Reference"),
    ),
    "CodeableConcept": _table(
        _E("coding", "Coding", repeats=True, identity=(("system", "code"),)),
        _E("text", "string"),
    ),
    "Coding": _table(
        _E("system", "uri"),
        _E("version", "string"),
        _E("code", "code"),
        _E("display", "string"),
        _E("userSelected", "boolean"),
    ),
    "Period": _table(_E("start", "dateTime"), _E("end", "dateTime")),
    "Reference": _table(
        _E("reference", "string"),
        _E("type", "uri"),
        _E("identifier", "Identifier"),
        _E("display", "string"),
    ),
    "GroupCharacteristic": _table(
        _E("code", "CodeableConcept", required=True),
        _E("exclude", "boolean", required=True),
        _E("period", "Period"),
        *_VALUES,
    ),
    "Quantity": _table(
        _E("value", "decimal"),
        _E("comparator", "code"),
        _E("unit", "string"),
        _E("system", "uri"),
        _E("code", "code"),
    ),
    "Range": _table(_E("low", "Quantity"), _E("high", "Quantity")),
    "GroupMember": _table(
        _E("entity", "Reference", required=True, targets=MEMBER_TYPES),
        _E("period", "Period"),
        _E("inactive", "boolean"),
    ),
}
"""The types inside a Group, by FHIR's names, each with its elements."""

GROUP: Final = _table(
    _E("id", "id", read_only=True),
    _E("meta", "Meta", read_only=True),
    _E("identifier", "Identifier", repeats=True, identity=(("system", "value"),)),
    _E("active", "boolean"),
    _E("type", "code", required=True),
    _E("actual", "boolean", required=True),
    _E("code", "CodeableConcept"),
    _E("name", "string"),
    _E("quantity", "unsignedInt", read_only=True, computed=True),
    _E("managingEntity", "Reference", targets=MANAGING_TYPES),
    _E(
        "characteristic",
        "GroupCharacteristic",
        repeats=True,
        identity=(("code", *(value.name for value in _VALUES)), ("code",)),
    ),
    _E("member", "GroupMember", repeats=True),
)
"""The elements of a Group."""


def computed_by_servers(elements: Elements) -> frozenset[str]:
    """Return the names of the elements that servers may set themselves."""
    return frozenset(name for name, element in elements.items() if element.computed)


RESOURCE_ELEMENTS: Final = frozenset(
    {*GROUP, "contained", "extension", "implicitRules", "language", "modifierExtension", "text"}
) - {"id"}
"""The elements of a Group and those of every resource, without its id."""
