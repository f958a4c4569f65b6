"""What a Python user writes first: Strawberry types, one shared httpx client, no cache, no loader.

One of the rivals; `UPSTREAM` is the upstream's base URL.
"""

import os
from typing import Any

import httpx
import strawberry
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL

client = httpx.AsyncClient(base_url=os.environ["UPSTREAM"])


@strawberry.type
class Reference:
    """FHIR's Reference."""

    reference: str | None
    type: str | None


@strawberry.type
class Member:
    """FHIR's Group.member."""

    entity: Reference | None
    inactive: bool | None


@strawberry.type
class CodeableConcept:
    """FHIR's CodeableConcept."""

    text: str | None


@strawberry.type
class Characteristic:
    """FHIR's Group.characteristic."""

    code: CodeableConcept | None
    value_codeable_concept: CodeableConcept | None
    exclude: bool | None


@strawberry.type
class Group:
    """FHIR's Group."""

    id: strawberry.ID
    resource_type: str
    type: str | None
    actual: bool | None
    name: str | None
    quantity: int | None
    member: list[Member] | None
    characteristic: list[Characteristic] | None


def concept(json: Any) -> CodeableConcept | None:
    """Make a CodeableConcept of its JSON."""
    return CodeableConcept(text=json.get("text")) if json else None


def member(json: Any) -> Member:
    """Make a member of its JSON."""
    entity = json["entity"]
    return Member(
        entity=Reference(reference=entity.get("reference"), type=entity.get("type")),
        inactive=json.get("inactive"),
    )


def characteristic(json: Any) -> Characteristic:
    """Make a characteristic of its JSON."""
    return Characteristic(
        code=concept(json.get("code")),
        value_codeable_concept=concept(json.get("valueCodeableConcept")),
        exclude=json.get("exclude"),
    )


def group(json: Any) -> Group:
    """Make a group of its JSON."""
    members, traits = json.get("member"), json.get("characteristic")
    return Group(
        id=json["id"],
        resource_type=json["resourceType"],
        type=json.get("type"),
        actual=json.get("actual"),
        name=json.get("name"),
        quantity=json.get("quantity"),
        member=None if members is None else [member(one) for one in members],
        characteristic=None if traits is None else [characteristic(one) for one in traits],
    )


@strawberry.type
class Query:
    """The root."""

    @strawberry.field
    async def group(self, id: strawberry.ID) -> Group | None:
        """Read one group."""
        response = await client.get(f"/Group/{id}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        response.raise_for_status()
        return group(response.json())

    @strawberry.field
    async def groups(
        self, count: int | None = 10, offset: int | None = 0
    ) -> list[Group | None] | None:
        """Return a page of groups."""
        response = await client.get("/Group", params={"_count": count, "_offset": offset})
        response.raise_for_status()
        return [group(entry["resource"]) for entry in response.json().get("entry", [])]


app = Starlette(routes=[Route("/graphql", GraphQL(strawberry.Schema(Query)))])
