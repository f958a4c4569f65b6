"""The FHIR R4 elements of a Group, as data: what `validation.py` walks a body by.

Written as `name:type`; `!` marks a required element, `*` a list. Every complex type also has `id`
and `extension`, and every primitive `x` its `_x`, as FHIR has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type: its own type, and how often it may and must stand there."""

    type: str
    many: bool
    required: bool


_SHAPES: Final = {
    "Group": (
        "resourceType!:code meta:Meta implicitRules:uri language:code text:Narrative "
        "contained:Resource* modifierExtension:Extension* identifier:Identifier* active:boolean "
        "type!:code actual!:boolean code:CodeableConcept name!:string quantity:unsignedInt "
        "managingEntity:Reference characteristic:Characteristic* member:Member*"
    ),
    "Characteristic": (
        "modifierExtension:Extension* code!:CodeableConcept valueCodeableConcept:CodeableConcept "
        "valueBoolean:boolean valueQuantity:Quantity valueRange:Range valueReference:Reference "
        "exclude!:boolean period:Period"
    ),
    "Member": ("modifierExtension:Extension* entity!:Reference period:Period inactive:boolean"),
    "Meta": (
        "versionId:id lastUpdated:instant source:uri profile:uri* security:Coding* tag:Coding*"
    ),
    "Narrative": "status!:code div!:string",
    "Identifier": (
        "use:code type:CodeableConcept system:uri value:string period:Period assigner:Reference"
    ),
    "CodeableConcept": "coding:Coding* text:string",
    "Coding": "system:uri version:string code:code display:string userSelected:boolean",
    "Reference": "reference:string type:uri identifier:Identifier display:string",
    "Period": "start:dateTime end:dateTime",
    "Quantity": "value:decimal comparator:code unit:string system:uri code:code",
    "Range": "low:Quantity high:Quantity",
    "Extension": "url!:uri",
    "Element": "",
}
_EXTENSION_VALUES: Final = (
    "Base64Binary Boolean Canonical Code Date DateTime Decimal Id Instant Integer Markdown Oid "
    "PositiveInt String Time UnsignedInt Uri Url Uuid Address Age Annotation Attachment "
    "CodeableConcept Coding ContactPoint Count Distance Duration HumanName Identifier Money Period "
    "Quantity Range Ratio Reference SampledData Signature Timing ContactDetail Contributor "
    "DataRequirement Expression ParameterDefinition RelatedArtifact TriggerDefinition UsageContext "
    "Dosage Meta"
)

# `characteristic.value[x]`: exactly one of them.
CHARACTERISTIC_VALUES: Final = (
    "valueBoolean",
    "valueCodeableConcept",
    "valueQuantity",
    "valueRange",
    "valueReference",
)


def _element(text: str) -> tuple[str, Element]:
    name, _, kind = text.partition(":")
    element = Element(kind.removesuffix("*"), kind.endswith("*"), name.endswith("!"))
    return name.removesuffix("!"), element


def _shape(text: str) -> dict[str, Element]:
    return dict(_element(part) for part in ["id:string", "extension:Extension*", *text.split()])


SHAPES: Final[Mapping[str, Mapping[str, Element]]] = {
    name: _shape(text) for name, text in _SHAPES.items()
} | {
    # The content of an extension is not checked: it is stored unchanged.
    "Extension": _shape(
        " ".join(["url!:uri", *(f"value{kind}:any" for kind in _EXTENSION_VALUES.split())])
    )
}
