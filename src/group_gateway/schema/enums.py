"""Enums of the schema."""

import enum

import strawberry


@strawberry.enum(description="What a group is made of (FHIR R4 Group.type).")
class GroupType(enum.Enum):
    """FHIR R4's codes of Group.type."""

    PERSON = strawberry.enum_value("person", description="People: a patient group.")
    ANIMAL = strawberry.enum_value("animal", description="Animals.")
    PRACTITIONER = strawberry.enum_value(
        "practitioner", description="Healthcare practitioners: a team."
    )
    DEVICE = strawberry.enum_value("device", description="Devices.")
    MEDICATION = strawberry.enum_value("medication", description="Medications.")
    SUBSTANCE = strawberry.enum_value("substance", description="Substances.")


@strawberry.enum(description="How bad an issue is (FHIR R4 OperationOutcome.issue.severity).")
class IssueSeverity(enum.Enum):
    """FHIR R4's codes of OperationOutcome.issue.severity."""

    FATAL = strawberry.enum_value("fatal", description="Nothing was done, nothing can be.")
    ERROR = strawberry.enum_value("error", description="The requested change was not made.")
    WARNING = strawberry.enum_value("warning", description="Done, but not exactly as requested.")
    INFORMATION = strawberry.enum_value("information", description="For information.")
