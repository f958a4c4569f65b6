"""Logical ids and literal references: what may stand in a URL, and what a reference leads to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from group_gateway.fhir.literal_reference import (
    LiteralReference,
    entity_reference,
    is_logical_id,
    parse_reference,
)

IDS = st.from_regex(r"\A[A-Za-z0-9\-.]{1,64}\Z").filter(lambda id: id not in {".", ".."})
TYPES = st.sampled_from(["Patient", "Group", "PractitionerRole"])
BASES = st.sampled_from([None, "https://fhir.test", "http://fhir.test:8000/fhir/R4"])


@given(TYPES, IDS, BASES, st.sampled_from(["", "/_history/7"]))
def test_a_reference_is_taken_apart(kind: str, id: str, base: str | None, version: str) -> None:
    """Type, id and base come out of every literal reference; its version does not matter."""
    text = f"{base}/{kind}/{id}{version}" if base else f"{kind}/{id}{version}"
    reference = parse_reference(text)
    assert reference == LiteralReference(kind, id, base)
    assert str(reference) == f"{kind}/{id}"


@pytest.mark.parametrize(
    "text",
    [
        *("", "Patient", "Patient/", "/1", "patient/1", "Patient/1/2", "Patient/1 ", "Patient/ü"),
        *("Patient/..", "Patient/.", "Patient/1?x", "Patient/1#x", "#contained", "urn:uuid:1"),
        *("ftp://fhir.test/Patient/1", "//fhir.test/Patient/1", "https://a b/Patient/1"),
        *("Patient/1\n", "Patient/" + "1" * 65, "javascript:Patient/1"),
    ],
)
def test_what_is_no_literal_reference(text: str) -> None:
    """Anything else is none, above all what would lead elsewhere as part of a URL."""
    assert parse_reference(text) is None


@given(st.text(max_size=70))
def test_an_id_is_safe_in_a_path(text: str) -> None:
    """Whatever passes for an id changes no path and needs no escaping."""
    if is_logical_id(text):
        assert text.isascii()
        assert not set(text) & set("/?#%\\:@ ")
        assert text not in {"", ".", ".."}


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ({"entity": {"reference": "Patient/1"}}, "Patient/1"),
        ({"entity": "Patient/1"}, "Patient/1"),
        ({"entity": {"reference": 5}}, None),
        ({"entity": {"display": "x"}}, None),
        ({"entity": None}, None),
        ({}, None),
        (5, None),
    ],
)
def test_the_entity_of_a_member(member: object, expected: str | None) -> None:
    """A member's entity is a Reference, or the bare string of one."""
    reference = entity_reference(member)
    assert (None if reference is None else str(reference)) == expected
