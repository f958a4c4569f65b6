"""The tables of search parameters are whole: each field of a filter has its row, and only these."""

from dataclasses import fields

from group_gateway.fhir_graphql.group_arguments import search_arguments
from group_gateway.groups.reading.filters.fhir_parameters import PARAMETERS
from group_gateway.groups.reading.filters.filter_table import FIELDS, PARAMETER_NAMES, GroupFilter
from group_gateway.schema.elements import element_name
from group_gateway.schema.federated_schema import build_schema

CANVAS = {"patient", "active"}
"""Parameters of Canvas Medical's, which FHIR does not have."""
R5 = {"name", "name:exact", "name:contains"}


def test_each_field_of_the_filter_has_a_row() -> None:
    """What a client can filter by is what can be checked and asked for."""
    schema = build_schema().graphql_schema
    offered = schema.type_map["GroupFilter"].fields.keys() - {"id"}
    assert offered == set(map(element_name, FIELDS))
    assert FIELDS.keys() == {field.name for field in fields(GroupFilter)} - {"base_url"}


def test_each_parameter_is_fhirs() -> None:
    """A filter asks by FHIR's parameters, and HL7's interface offers all of R4's."""
    assert PARAMETERS.keys() | CANVAS | R5 >= PARAMETER_NAMES
    offered = search_arguments(cursors=False).keys()
    assert offered >= {name.replace("-", "_") for name in PARAMETERS}
