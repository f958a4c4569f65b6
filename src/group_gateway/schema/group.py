"""The resources: Group and its parts, Patient and Practitioner.

They are in one module, because the types refer to each other in a circle (a patient's groups'
members …). Their resolvers are in `elements`, `member_fields` and `connection_fields`.
"""

from typing import TYPE_CHECKING, Annotated, ClassVar

import strawberry
import strawberry.federation
from strawberry import UNSET
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from group_gateway.fhir.group_resource import GroupResource
from group_gateway.schema import (
    connection_fields,
    group_views,
    member_fields,
    reference_resource,
    version_history,
)
from group_gateway.schema.datatypes import (
    CodeableConcept,
    Meta,
    Period,
    Quantity,
    Range,
)
from group_gateway.schema.elements import (
    JsonObject,
    element,
    flag,
    list_of,
    required,
    resolved,
)
from group_gateway.schema.entity_stubs import (
    Device,
    Entity,
    Medication,
    PractitionerRole,
    Substance,
)
from group_gateway.schema.enums import GroupType
from group_gateway.schema.extension import FhirExtension, extensions, modifier_extensions
from group_gateway.schema.relay_refetch import FETCHABLE

if TYPE_CHECKING:
    from group_gateway.schema.group_versions import GroupHistoryConnection

ENTITY = Key(fields=FieldSet("id"), resolvable=UNSET)  # as `keys=["id"]` has it


@strawberry.federation.type(
    shareable=True, description="A business identifier (FHIR R4 Identifier)."
)
class Identifier(JsonObject):
    """A FHIR R4 Identifier."""

    use: str | None = element("usual, official, temp, secondary or old.")
    type: CodeableConcept | None = element("What kind of identifier it is.")
    system: str | None = element("The namespace of the value, a URI.")
    value: str | None = element("The value, unique in its namespace.")
    period: Period | None = element("When it is or was in use.")
    assigner: "Reference | None" = element("The organization that issued it.")


@strawberry.federation.type(
    shareable=True, description="A reference from one resource to another (FHIR R4 Reference)."
)
class Reference(JsonObject):
    """A FHIR R4 Reference."""

    bare: ClassVar[str | None] = "reference"

    reference: str | None = element("A literal reference: `Patient/<id>`.")
    type: str | None = element("The type of what is referred to.")
    identifier: Identifier | None = element("A business identifier of what is referred to.")
    display: str | None = element("What to show people.")


@strawberry.type(
    description="A reference of a group, and what it leads to. The other fields are those of a "
    "FHIR R4 Reference."
)
class ResolvableReference(Reference):
    """A FHIR R4 Reference that is resolved here; no other subgraph has this type."""

    resource: (
        Annotated[
            "Group | Patient | Practitioner | PractitionerRole | Device | Medication | Substance",
            strawberry.union(
                "ReferencedResource",
                description="What a reference leads to. A Group is resolved in full; the others "
                "are entities of other subgraphs.",
            ),
        ]
        | None
    ) = strawberry.field(
        resolver=reference_resource.resource,
        description="What it leads to; null where that is not a resource of this upstream, "
        "or a group that does not exist.",
    )


@strawberry.type(description="A member of a group (FHIR R4 Group.member).")
class Member(JsonObject):
    """A FHIR R4 Group.member."""

    entity: ResolvableReference = required(
        ResolvableReference, "entity", "Who or what the member is."
    )
    period: Period | None = element("When it was or is a member.")
    inactive: bool = flag("inactive", "Whether the membership has ended.")
    extension: list[FhirExtension] = extensions()
    modifier_extension: list[FhirExtension] = modifier_extensions()


@strawberry.type(
    description="A trait that members have or don't have (FHIR R4 Group.characteristic). "
    "One of its five values is set."
)
class Characteristic(JsonObject):
    """A FHIR R4 Group.characteristic."""

    code: CodeableConcept = required(CodeableConcept, "code", "The kind of trait.")
    exclude: bool = flag("exclude", "Whether the members don't have it.")
    period: Period | None = element("When it holds.")
    value_codeable_concept: CodeableConcept | None = element("The trait, as a concept.")
    value_boolean: bool | None = element("The trait, as true or false.")
    value_quantity: Quantity | None = element("The trait, as an amount.")
    value_range: Range | None = element("The trait, as a range.")
    value_reference: ResolvableReference | None = element("The trait, as a reference.")
    extension: list[FhirExtension] = extensions()
    modifier_extension: list[FhirExtension] = modifier_extensions()


@strawberry.federation.type(
    shareable=True, description="Where a page stands in the whole (Relay cursor connections)."
)
class PageInfo:
    """Relay's PageInfo."""

    has_next_page: bool = strawberry.field(description="Whether more follows this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is more before it.")
    start_cursor: str | None = strawberry.field(description="The first edge's cursor.")
    end_cursor: str | None = strawberry.field(description="The last edge's cursor.")


@strawberry.type(description="A member on a page.")
class MemberEdge:
    """Relay's edge for members."""

    node: Member = strawberry.field(description="The member.")
    cursor: str = strawberry.field(description="Its position, for `after`.")


@strawberry.type(description="A page of a group's members.")
class MemberConnection:
    """Relay's connection for members."""

    edges: list[MemberEdge] = strawberry.field(description="The members with their cursors.")
    nodes: list[Member] = strawberry.field(description="The members.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="How many members there are on all pages.")


@strawberry.federation.type(
    directives=[ENTITY, FETCHABLE],
    description="A collection of people, practitioners or things (FHIR R4 Group).",
)
class Group:
    """A FHIR R4 Group."""

    id: strawberry.ID = element("Its logical id.")
    resource_type: str = element('Always "Group".')
    meta: Meta | None = element("What the server says of the resource.")
    identifier: list[Identifier] = list_of(Identifier, "identifier", "Business identifiers.")
    active: bool | None = element("Whether it is in use.")
    type: GroupType | None = element("What it is made of.")
    actual: bool | None = element(
        "Whether it is a group of known members, not a description of possible ones."
    )
    code: CodeableConcept | None = element("The kind of members.")
    name: str | None = element("Its name; not unique.")
    quantity: int | None = element("How many members the upstream counts.")
    managing_entity: ResolvableReference | None = element("Who is responsible for the group.")
    characteristic: list[Characteristic] = list_of(
        Characteristic, "characteristic", "Traits that define the members."
    )
    responsibilities: list[str] = strawberry.field(
        resolver=group_views.responsibilities,
        description="A team's responsibilities, which the upstream carries in characteristics.",
    )
    member: list[Member] = resolved(
        member_fields.member,
        list[Member],
        "The members: all, or those (in)active, from `offset` on, at most `count`.",
        element="member",
    )
    members: MemberConnection = resolved(
        member_fields.members, MemberConnection, "The members in pages, for large groups."
    )
    extension: list[FhirExtension] = extensions()
    modifier_extension: list[FhirExtension] = modifier_extensions()
    version: str = strawberry.field(
        resolver=group_views.version,
        description="What was read, opaque. Give it back as `ifVersion` of a write.",
    )
    history: "GroupHistoryConnection | None" = strawberry.field(
        resolver=version_history.history,
        graphql_type=Annotated[
            "GroupHistoryConnection", strawberry.lazy("group_gateway.schema.group_versions")
        ]
        | None,
        description="Its versions, the newest first; null where the upstream keeps none.",
    )

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        """Return whether a value can be shown as this type (called by graphql-core)."""
        return isinstance(value, GroupResource)


@strawberry.type(description="A group on a page.")
class GroupEdge:
    """Relay's edge for groups."""

    node: Group = strawberry.field(description="The group.")
    cursor: str = strawberry.field(description="Its position, for `after` and `before`.")


@strawberry.type(description="A page of groups (Relay cursor connections).")
class GroupConnection:
    """Relay's connection for groups."""

    edges: list[GroupEdge] = resolved(
        connection_fields.edges, list[GroupEdge], "The groups with their cursors."
    )
    nodes: list[Group] = resolved(connection_fields.nodes, list[Group], "The groups.")
    page_info: PageInfo = resolved(connection_fields.page_info, PageInfo, "Where the page stands.")
    total_count: int | None = strawberry.field(
        resolver=connection_fields.total_count,
        description="How many groups there are on all pages. It may take another upstream call. "
        "Null if the upstream states no total.",
    )


@strawberry.type(description="A change of a list of groups.")
class GroupChange:
    """A GroupChange."""

    id: strawberry.ID = strawberry.field(description="The group's logical id.")
    group: Group | None = strawberry.field(
        description="The group as it is now; null when it is gone or no longer in the list."
    )


@strawberry.federation.type(
    directives=[ENTITY, FETCHABLE],
    description="A patient; this subgraph adds the groups (FHIR R4 Patient).",
)
class Patient(Entity):
    """A FHIR R4 Patient, as an entity."""

    id: strawberry.ID = strawberry.field(description="Its logical id.")
    groups: GroupConnection | None = resolved(
        connection_fields.patient_groups,
        GroupConnection | None,
        "The groups that the patient is a member of.",
    )


@strawberry.federation.type(
    directives=[ENTITY, FETCHABLE],
    description="A practitioner; this subgraph adds the groups (FHIR R4 Practitioner).",
)
class Practitioner(Entity):
    """A FHIR R4 Practitioner, as an entity."""

    id: strawberry.ID = strawberry.field(description="Its logical id.")
    groups: GroupConnection | None = resolved(
        connection_fields.practitioner_groups,
        GroupConnection | None,
        "The groups that the practitioner is a member of.",
    )


STUBS = (PractitionerRole, Device, Medication, Substance)
"""Other targets of references: entities of other subgraphs."""
