"""The table of Group's elements holds: each is read, written, merged and drawn as its row says."""

from random import Random
from typing import Any

import httpx
import pytest
from graphql import GraphQLInputObjectType, GraphQLList, GraphQLNonNull, GraphQLObjectType

from anyserver.groups import GroupWriter as AnyGroups
from differential.resources import GroupWriter, Taste
from every_upstream.documents import change
from frontdoor import opened
from gateway.element_values import HIDDEN, input_of, selection_of, value_of, with_hidden
from gateway.keeper import Keeper, group_of, payload_of
from gateway.shapes import GROUP as ORACLE
from gateway.upstream import Shelf
from group_gateway.app import create_app
from group_gateway.config import Settings
from group_gateway.fhir.group_elements import DATA_TYPES, GROUP, ElementDefinition, Elements
from group_gateway.fhir.group_rules import (
    MEMBER_TYPES,
    MEMBER_TYPES_BY_GROUP_TYPE,
    RELATED_TYPES,
)
from group_gateway.fhir_graphql.model import load_model
from group_gateway.schema.federated_schema import build_schema

SCHEMA = build_schema().graphql_schema
WITH_PEOPLE = build_schema(with_people=True).graphql_schema
NAMES = {"GroupMember": "Member", "GroupCharacteristic": "Characteristic"}
"""Types that have a shorter name in GraphQL than in FHIR."""
WRITTEN = [element for element in GROUP.values() if not element.read_only]
UPDATE, CREATE = change("updateGroup", "id"), change("createGroup", "id")
each = pytest.mark.parametrize("element", GROUP.values(), ids=lambda element: element.name)
each_written = pytest.mark.parametrize("element", WRITTEN, ids=lambda element: element.name)


def types_in(elements: Elements) -> set[str]:
    """Return FHIR's names of the types inside these elements."""
    return {element.type for element in elements.values() if element.elements}


def without_null(type: Any) -> Any:
    """Return a GraphQL type, whether or not it may be null."""
    return type.of_type if isinstance(type, GraphQLNonNull) else type


def check_fields(elements: Elements, fields: Any, suffix: str) -> None:
    """Check that fields have the lists and types of these elements."""
    for name, element in elements.items():
        kind = without_null(fields[name].type)
        assert isinstance(kind, GraphQLList) == element.repeats, name
        if element.elements:
            inner = without_null(kind.of_type) if element.repeats else kind
            expected = NAMES.get(element.type, element.type) + suffix
            assert inner.name.removeprefix("Resolvable") == expected, name


@pytest.mark.parametrize("name", ["Group", *DATA_TYPES])
def test_the_types_have_the_elements(name: str) -> None:
    """Each type shows the elements of the table, of their types, and besides its extensions."""
    elements = GROUP if name == "Group" else DATA_TYPES[name]
    kind = SCHEMA.type_map[NAMES.get(name, name)]
    assert isinstance(kind, GraphQLObjectType)
    more = {"extension", "modifierExtension"}
    if name == "Group":
        more |= {"resourceType", "responsibilities", "members", "version", "history"}
    assert kind.fields.keys() - more == elements.keys()
    check_fields(elements, kind.fields, "")


@pytest.mark.parametrize("name", sorted(DATA_TYPES.keys() - {"Meta", "GroupMember"}))
def test_the_inputs_of_types_have_the_elements(name: str) -> None:
    """Each input of a data type has the elements of the table."""
    kind = SCHEMA.type_map[f"{NAMES.get(name, name)}Input"]
    assert isinstance(kind, GraphQLInputObjectType)
    assert kind.fields.keys() == DATA_TYPES[name].keys()
    check_fields(DATA_TYPES[name], kind.fields, "Input")


@pytest.mark.parametrize(
    ("name", "more"),
    [("CreateGroupInput", {"responsibilities"}), ("UpdateGroupInput", {"id", "ifVersion"})],
)
def test_the_inputs_have_the_elements(name: str, more: set[str]) -> None:
    """What is not read-only can be created and updated, and nothing else."""
    kind = SCHEMA.type_map[name]
    assert isinstance(kind, GraphQLInputObjectType)
    assert kind.fields.keys() - more == {element.name for element in WRITTEN}
    check_fields({element.name: element for element in WRITTEN}, kind.fields, "Input")


@pytest.mark.parametrize("name", ["Group", *DATA_TYPES])
def test_the_table_says_what_fhir_says(name: str) -> None:
    """Elements of FHIR R4 have the types that its definitions give them."""
    model = load_model().types[name]
    elements = GROUP if name == "Group" else DATA_TYPES[name]
    for element in elements.values():
        if element.name in model and element.name != "id":
            said = model[element.name]
            assert (element.type, element.repeats) == (said.type, said.repeats), element.name


@each
async def test_an_element_is_read(element: ElementDefinition) -> None:
    """An element comes as the upstream has it, with all that is in it."""
    shelf, value = Shelf(), value_of(element)
    id = shelf.put({"resourceType": "Group", "id": "one", element.name: value})
    settings = Settings(upstream_url="http://upstream.test", cache_ttl=0)
    app = create_app(settings, transport=httpx.ASGITransport(app=shelf.app()))
    async with opened(app) as gateway:
        query = f'{{ group(id: "{id}") {{ {element.name} {selection_of(value)} }} }}'
        shown = (await gateway.data(query))["group"][element.name]
    assert shown == (value.upper() if element.name == "type" else value)


@each_written
async def test_an_element_is_written(element: ElementDefinition) -> None:
    """A new group has it as it was given, and so has an updated one."""
    value = value_of(element)
    given = {element.name: input_of(element, value)}
    required = {"type": "PERSON", "name": "Known"}
    if element.name == "member":  # an input says the reference only
        value[0]["entity"] = {"reference": "Patient/1", "type": "Patient"}
    created, updated = Keeper(group_of(), etag=True), Keeper(group_of(), etag=True)
    payload = await payload_of(created, CREATE, **required | given)
    assert payload["issues"] == []
    payload = await payload_of(updated, UPDATE, id="1", **given)
    assert payload["issues"] == []
    assert created.stored()[element.name] == updated.stored()[element.name] == stored(value)


def stored(value: Any) -> Any:
    """Return a value as the test's server shows what it keeps: numbers as text."""
    if isinstance(value, list):
        return [stored(item) for item in value]
    if isinstance(value, dict):
        return {name: stored(part) for name, part in value.items()}
    return str(value) if isinstance(value, float) else value


@each_written
@pytest.mark.parametrize("changed", [False, True], ids=["same", "changed"])
async def test_an_element_is_merged(element: ElementDefinition, *, changed: bool) -> None:
    """An update keeps what inputs can't say, in objects and in the entries that it knows again."""
    before, after = value_of(element), value_of(element, changed=changed)
    beside = {} if element.elements else {f"_{element.name}": HIDDEN}
    keeper = Keeper(group_of(**{element.name: with_hidden(before)} | beside), etag=True)
    given = {element.name: input_of(element, after)}
    payload = await payload_of(keeper, UPDATE, id="1", **given)
    assert payload["issues"] == []
    assert keeper.stored()[element.name] == stored(with_hidden(after))
    assert beside.items() <= keeper.stored().items()


@each_written
async def test_an_element_is_cleared(element: ElementDefinition) -> None:
    """Null removes it, unless it is required, as the name is by the gateway."""
    keeper = Keeper(group_of(**{element.name: value_of(element)}), etag=True)
    payload = await payload_of(keeper, UPDATE, id="1", **{element.name: None})
    if element.required or element.name == "name":
        assert [(i["code"], i["inputPath"]) for i in payload["issues"]] == [
            ("required", [element.name])
        ]
    assert (element.name in keeper.stored()) == bool(payload["issues"])


@each
def test_an_element_is_drawn(element: ElementDefinition) -> None:
    """The differential test and the random servers write it, and the oracle judges it."""
    rng = Random(1)  # noqa: S311 - test data
    plans = [GroupWriter(rng, Taste()).group("g").raw for _ in range(20)]
    servers = [AnyGroups(rng).group("g") for _ in range(100)]
    assert any(f'"{element.name}"'.encode() in raw for raw in plans)
    assert any(element.name in group for group in servers) or element.name == "meta"
    assert element.name in ORACLE.elements


def test_each_type_that_a_group_refers_to() -> None:
    """Unions, codes and HL7's interface have the types of resources that the rules name."""
    stubs = {kind.name for kind in SCHEMA.type_map["ReferencedResource"].types}
    read = {kind.name for kind in WITH_PEOPLE.type_map["ReferencedResource"].types}
    codes = {code.value for code in SCHEMA.type_map["GroupType"].values.values()}
    assert stubs == set(MEMBER_TYPES)
    assert read == set(RELATED_TYPES)
    assert {getattr(code, "value", code) for code in codes} == MEMBER_TYPES_BY_GROUP_TYPE.keys()
    assert load_model().types.keys() >= set(RELATED_TYPES)
