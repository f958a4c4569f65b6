"""`schema.graphql` composes by the composers of Apollo, the Guild and WunderGraph.

One of the subgraphs is a FHIR server's, which has FHIR R4's data types too.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, ObjectTypeDefinitionNode, build_schema, parse

from federation.conftest import SCHEMA
from group_gateway.schema.federated_schema import print_sdl
from nodejs import run_node


@pytest.fixture(params=["apollo", "guild", "wundergraph"])
def composer(request: pytest.FixtureRequest) -> str:
    """Return each of the composers in turn."""
    name: str = request.param
    return name


def compose(packages: Path, composer: str, schema: Path, *others: str) -> Any:
    """Compose a schema with other subgraphs (by default of people): SDL or `errors`."""
    return json.loads(run_node(packages / "compose.mjs", composer, str(schema), *others))


def test_composes_with_subgraphs_of_people(packages: Path, composer: str) -> None:
    """People have their own fields and ours, and data types may be in several subgraphs."""
    composed = compose(packages, composer, SCHEMA)
    assert composed.get("errors") is None
    supergraph = build_schema(composed["supergraphSdl"], assume_valid_sdl=True)
    for name, fields in {
        "Patient": {"name", "maritalStatus", "groups"},
        "Practitioner": {"name", "bookmarks", "groups"},
        "Group": {"name", "members"},
        "PractitionerRole": {"id", "practitioner"},
        "Reference": {"reference", "type", "identifier", "display"},
    }.items():
        kind = supergraph.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        assert fields <= kind.fields.keys()


def test_people_that_are_read_compose_too(packages: Path, composer: str, tmp_path: Path) -> None:
    """With `RESOLVE_MEMBERS=upstream` people are shared with a FHIR server's subgraph."""
    read = tmp_path / "groups.graphql"
    read.write_text(print_sdl(with_people=True))
    composed = compose(packages, composer, read, "fhir")
    assert composed.get("errors") is None
    supergraph = build_schema(composed["supergraphSdl"], assume_valid_sdl=True)
    for name, fields in {
        "Patient": {"name", "birthDate", "photo", "maritalStatus", "groups"},
        "Organization": {"name", "alias", "address"},
        "Device": {"id", "deviceName"},
    }.items():
        kind = supergraph.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        assert fields <= kind.fields.keys()


PLATFORM = """
extend type Group @tag(name: "clinical") @authenticated
extend type Mutation @requiresScopes(scopes: [["user/Group.write"]])
extend type Substance @inaccessible
"""


def test_a_platforms_own_directives(packages: Path, composer: str, tmp_path: Path) -> None:
    """What a platform adds to the schema, tags, scopes, what is not to be seen, is composed too."""
    extended = tmp_path / "groups.graphql"
    extended.write_text(SCHEMA.read_text() + PLATFORM)
    composed = compose(packages, composer, extended)
    assert composed.get("errors") is None
    supergraph = parse(composed["supergraphSdl"])
    added = {
        (node.name.value, directive.name.value)
        for node in supergraph.definitions
        if isinstance(node, ObjectTypeDefinitionNode)
        for directive in node.directives or ()
        if not directive.name.value.startswith("join__")
    }
    assert added == {
        ("Group", "tag"),
        ("Group", "authenticated"),
        ("Mutation", "requiresScopes"),
        ("Substance", "inaccessible"),
    }


def test_composers_find_quarrels(packages: Path, composer: str, tmp_path: Path) -> None:
    """Without `@shareable` the data types that two subgraphs have would be refused."""
    unshared = tmp_path / "groups.graphql"
    unshared.write_text(SCHEMA.read_text().replace(" @shareable {", " {"))
    assert any(
        "CodeableConcept" in error for error in compose(packages, composer, unshared)["errors"]
    )
