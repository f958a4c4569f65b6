"""CapabilityStatements of any shape: what they say of Group is read, the rest is not said."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from group_gateway.upstream.capability_statement import GroupCapability, group_capability

NAMES = ["rest", "resource", "type", "searchParam", "name", "interaction", "code", "software"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["Group", "patient", "4.0.1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*NAMES, "fhirVersion"]), inner, max_size=4)
    ),
    max_leaves=15,
)


def statement(group: Any) -> dict[str, Any]:
    """Return a CapabilityStatement with another resource beside Group."""
    other = {"type": "Patient", "searchParam": [{"name": "family"}]}
    return {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "software": {"name": "Test"},
        "rest": [{"resource": [other, group]}],
    }


@given(json_values)
def test_any_json_is_read(value: Any) -> None:
    """Whatever a server sends as its statement: it says something of Group, or nothing."""
    found = group_capability(value)
    assert found.search_parameters != frozenset()
    assert found.software is None or isinstance(found.software, str)


@pytest.mark.parametrize(
    ("group", "interactions", "parameters"),
    [
        (
            {
                "type": "Group",
                "interaction": [{"code": "read"}, {"code": "create"}, {"code": 5}, "update"],
                "searchParam": [{"name": "_id"}, {"name": "member"}, {"name": None}, 5],
            },
            {"read", "create"},
            {"_id", "member"},
        ),
        ({"type": "Group", "searchParam": []}, set(), None),
        ({"type": "Group", "searchParam": "member", "interaction": {}}, set(), None),
        ({"type": "Practitioner", "searchParam": [{"name": "member"}]}, set(), None),
        (None, set(), None),
    ],
)
def test_what_it_says_of_group(
    group: Any, interactions: set[str], parameters: set[str] | None
) -> None:
    """Only Group's own entries count, and no list of parameters is not an empty one."""
    named = {resource["type"] for resource in statement(group)["rest"][0]["resource"] if resource}
    assert group_capability(statement(group)) == GroupCapability(
        "Test",
        "4.0.1",
        frozenset(interactions),
        None if parameters is None else frozenset(parameters),
        frozenset(named),
    )
