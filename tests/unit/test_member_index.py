"""Members are found by what identifies them, however an upstream writes it."""

import pytest

from group_gateway.fhir.literal_reference import reference_key, relative_to
from group_gateway.groups.writing.member_index import MemberIndex, member_key, members_of

HERE = {"entity": {"reference": "Patient/1"}}
THERE = {"entity": {"reference": "https://fhir.example.org/r4/Patient/1"}}
ELSEWHERE = {"entity": {"reference": "https://elsewhere.example.org/Patient/1"}}


@pytest.mark.parametrize(
    ("member", "key"),
    [
        (HERE, "Patient/1"),
        ({"entity": "Patient/1"}, "Patient/1"),
        ({"entity": {"reference": "Patient/1/_history/2"}}, "Patient/1"),
        (THERE, "https://fhir.example.org/r4/Patient/1"),
        (
            {"entity": {"reference": "http://x.example/Patient/1/_history/2"}},
            "http://x.example/Patient/1",
        ),
        ({"entity": {"reference": "urn:uuid:1"}}, "urn:uuid:1"),
        ({"entity": {"reference": "nonsense://1"}}, "nonsense://1"),
        ({"entity": {"identifier": {"system": "s", "value": "1"}}}, "s|1"),
        ({"entity": {"identifier": {"value": "1"}, "display": "x"}}, "|1"),
        ({"entity": {"display": "x"}}, "x"),
        ({"entity": {"identifier": {"system": "s"}}}, None),
        ({"entity": {"reference": 1}}, None),
        ({"entity": None}, None),
        ({}, None),
        (None, None),
        ("Patient/1", None),
    ],
)
def test_the_normal_form_of_a_reference(member, key):
    """Versions don't count, addresses do, and an invalid reference finds no member."""
    assert member_key(member) == key


@pytest.mark.parametrize("elements", [{}, {"member": None}, {"member": []}, {"member": 1}])
def test_a_group_without_members(elements):
    """An element that is absent or no list has no members."""
    assert members_of(elements) == []
    assert MemberIndex(elements).find("Patient/1") == []
    assert MemberIndex(elements).current("Patient/1") is None


def test_a_patient_of_another_server_is_another_patient():
    """Absolute references below the upstream's base are its own; all others are strangers."""
    home = "https://fhir.example.org/r4"
    everybody = {"member": [THERE, HERE, ELSEWHERE]}
    assert MemberIndex(everybody, home).find("Patient/1") == [THERE, HERE]
    assert MemberIndex(everybody, home).find(member_key(ELSEWHERE) or "") == [ELSEWHERE]
    assert MemberIndex({"member": [THERE, ELSEWHERE]}).find("Patient/1") == []
    capitals = "HTTPS://FHIR.example.org:443/r4/"
    assert member_key(THERE, capitals) == "Patient/1"


def test_an_object_in_the_place_of_the_list_is_its_only_entry():
    """A single member that a server did not put into a list is a member."""
    assert MemberIndex({"member": HERE}).find("Patient/1") == [HERE]


def test_an_active_entry_counts_before_a_former_one():
    """Of entries of one member the active one is its membership, else the first."""
    former = {**HERE, "inactive": True}
    assert MemberIndex({"member": [former, HERE]}).current("Patient/1") is HERE
    again = {**former, "period": {"start": "2025"}}
    assert MemberIndex({"member": [former, again]}).current("Patient/1") is former


@pytest.mark.parametrize(
    ("text", "relative"),
    [
        ("http://home.example/r4/Patient/1", "Patient/1"),
        ("http://home.example/Patient/1", "http://home.example/Patient/1"),
        ("https://home.example/r4/Patient/1", "https://home.example/r4/Patient/1"),
        ("Patient/1", "Patient/1"),
        ("http://home.example/r4/nonsense", "http://home.example/r4/nonsense"),
    ],
)
def test_references_into_the_upstream_itself(text, relative):
    """Only what lies at the upstream's own base URL becomes relative."""
    assert relative_to(text, "http://home.example/r4") == relative
    assert reference_key(relative) == relative
