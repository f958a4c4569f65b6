"""The schema: it keeps the contract, is what `schema.graphql` says, and explains itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    parse,
    print_ast,
    validate_schema,
)

from frontdoor import Gateway
from group_gateway.sandbox.wellknown import DEVICE_GROUP_ID, NESTED_GROUP_ID, RICH_GROUP_ID, TEAM_ID
from group_gateway.schema.federated_schema import print_sdl

VALUES = ("CodeableConcept", "Boolean", "Quantity", "Range", "Reference")
HERE = Path(__file__).parent
PRINTED = (HERE.parent.parent / "schema.graphql").read_text()
CONTRACT = (HERE / "contract.graphql").read_text()


def facts(sdl: str) -> dict[str, str]:
    """Return what clients rely on: `Group.name` is a `String`, `Group.member(count:)` an `Int`."""
    found: dict[str, str] = {}
    for node in parse(sdl, no_location=True).definitions:
        if (name := getattr(node, "name", None)) is None:
            continue
        directives = getattr(node, "directives", None) or ()
        found[name.value] = " ".join([node.kind, *map(print_ast, directives)])
        for member in members_of(node):
            place = f"{name.value}.{member.name.value}"
            found[place] = value_of(member)
            for argument in getattr(member, "arguments", None) or ():
                found[f"{place}({argument.name.value}:)"] = value_of(argument)
    return found


def members_of(node: Any) -> Any:
    """Return a definition's fields, an enum's values, or a union's types."""
    parts = (getattr(node, kind, None) for kind in ("fields", "values", "types"))
    return next(filter(None, parts), ())


def value_of(node: Any) -> str:
    """Return a field's or argument's type with its default; nothing for an enum's value."""
    kind = getattr(node, "type", None)
    default = getattr(node, "default_value", None)
    return (print_ast(kind) if kind else "") + (f" = {print_ast(default)}" if default else "")


@pytest.fixture(scope="module")
def built() -> GraphQLSchema:
    """Return the printed schema, but for the directives of federation, which no SDL declares."""
    return build_schema(PRINTED, assume_valid_sdl=True)


def test_the_printed_schema_is_the_schema() -> None:
    """`schema.graphql` is what the gateway serves."""
    assert print_sdl() == PRINTED


@pytest.mark.parametrize("promise", facts(CONTRACT).items(), ids=lambda promise: promise[0])
def test_the_contract_is_kept(promise: tuple[str, str]) -> None:
    """The schema has all kinds, keys, fields, arguments, inputs and codes of the contract."""
    place, promised = promise
    assert facts(PRINTED).get(place) == promised


def test_what_was_added_can_be_left_out() -> None:
    """Requests that keep to the contract are whole: no argument or input field more is required."""
    promised, printed = facts(CONTRACT), facts(PRINTED)
    added = [place for place in printed if place not in promised and printed[place].endswith("!")]
    arguments = [place for place in added if place.partition("(")[0] in promised]
    inputs = [p for p in added if promised.get(p.partition(".")[0], "").startswith("input")]
    assert arguments + inputs == []


def test_unions_and_enums_have_nothing_more() -> None:
    """One member more would break clients that know them all."""
    promised, printed = facts(CONTRACT), facts(PRINTED)
    closed = {name for name, kind in promised.items() if kind.startswith(("enum", "union"))}
    assert [p for p in printed if p.partition(".")[0] in closed and p not in promised] == []


def test_the_schema_is_valid(built: GraphQLSchema) -> None:
    """The schema is valid GraphQL."""
    assert validate_schema(built) == []


def test_it_is_a_federation_2_subgraph() -> None:
    """The schema links Federation 2 and offers its two root fields."""
    assert '@link(url: "https://specs.apollo.dev/federation/v2.' in PRINTED
    assert {"Query._entities", "Query._service"} <= facts(PRINTED).keys()


async def test_the_subgraph_serves_its_own_sdl(gateway: Gateway) -> None:
    """`_service.sdl`, which a router composes from, holds the contract, keys included."""
    data = await gateway.data("{ _service { sdl } }")
    assert facts(data["_service"]["sdl"]).items() >= facts(CONTRACT).items()


def parts(schema: GraphQLSchema) -> Iterator[tuple[str, Any]]:
    """Yield everything in the schema that can have a description, but what federation adds."""
    for name, kind in schema.type_map.items():
        if name.startswith("_") or name in {"String", "Int", "Float", "Boolean", "ID"}:
            continue
        yield name, kind
        members: dict[str, Any] = {}
        if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType):
            members = {n: f for n, f in kind.fields.items() if not n.startswith("_")}
        elif isinstance(kind, GraphQLEnumType):
            members = kind.values
        else:
            assert isinstance(kind, GraphQLUnionType | GraphQLScalarType)
        for member, node in members.items():
            yield f"{name}.{member}", node
            for argument, taken in getattr(node, "args", {}).items():
                yield f"{name}.{member}({argument}:)", taken


def test_everything_is_described(built: GraphQLSchema) -> None:
    """Every type, field, argument, enum value and input field says what it is."""
    assert [place for place, part in parts(built) if not (part.description or "").strip()] == []


def test_descriptions_are_sentences(built: GraphQLSchema) -> None:
    """A description begins like a sentence or with a code, and ends with a full stop."""
    odd = [
        place
        for place, part in parts(built)
        if not (part.description or "").rstrip().endswith((".", "…"))
    ]
    assert odd == []


EVERYTHING = """
    query ($id: ID!) { group(id: $id) {
        id resourceType meta { versionId lastUpdated } active type actual name quantity
        identifier { use type { ...concept } system value period { start end }
                     assigner { reference display } }
        code { ...concept } managingEntity { ...reference }
        characteristic {
            code { ...concept } exclude period { start end }
            valueCodeableConcept { ...concept } valueBoolean valueQuantity { ...quantity }
            valueRange { low { ...quantity } high { ...quantity } } valueReference { ...reference }
        }
        member { entity { ...reference } period { start end } inactive }
    } }
    fragment concept on CodeableConcept {
        text coding { system version code display userSelected } }
    fragment quantity on Quantity { value comparator unit system code }
    fragment reference on ResolvableReference { reference type display identifier { system value } }
"""


def shows(answer: Any, raw: Any) -> bool:
    """Return whether an answer shows FHIR JSON as it is, as far as it was asked for."""
    if isinstance(answer, dict):
        return isinstance(raw, dict) and all(shows(v, raw.get(k)) for k, v in answer.items())
    if isinstance(answer, list):
        raw = raw or []
        return len(answer) == len(raw) and all(map(shows, answer, raw))
    return answer == raw or (answer is False and raw is None)


async def test_all_elements_of_a_group_are_shown(gateway: Gateway, sandbox: Any) -> None:
    """Every element that the contract names comes through as the upstream has it."""
    sandbox.use(etag=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox.app)) as upstream:
        url = f"http://upstream.test/Group/{RICH_GROUP_ID}"
        raw = (await upstream.get(url, headers={"authorization": "Bearer sandbox"})).json()
    group = (await gateway.data(EVERYTHING, id=RICH_GROUP_ID))["group"]
    assert group.pop("type") == raw["type"].upper()
    assert shows(group, raw)
    assert group["meta"]["versionId"]
    assert all(group.values()), "the showcase has every element"
    values = {
        name for trait in group["characteristic"] for name in trait if trait[name] is not None
    }
    assert values >= {f"value{kind}" for kind in VALUES}


@pytest.mark.parametrize(
    ("id", "typename"),
    [
        (RICH_GROUP_ID, "Patient"),
        (TEAM_ID, "Practitioner"),
        (NESTED_GROUP_ID, "Group"),
        (DEVICE_GROUP_ID, "Device"),
    ],
)
async def test_members_lead_to_their_resources(gateway: Gateway, id: str, typename: str) -> None:
    """A member resolves to the entity that it is, whatever kind that is."""
    query = "query ($id: ID!) { group(id: $id) { member { entity { resource { __typename } } } } }"
    members = (await gateway.data(query, id=id))["group"]["member"]
    assert typename in {member["entity"]["resource"]["__typename"] for member in members}
