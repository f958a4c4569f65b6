"""Members are found by reference, however an upstream writes it."""

import pytest

from group_gateway.groups.writing.member_index import (
    MemberIndex,
    member_key,
    members_of,
    reference_key,
    relative_to,
)

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
        ({"entity": {"identifier": {"value": "1"}}}, None),
        ({"entity": {"reference": 1}}, None),
        ({"entity": None}, None),
        ({}, None),
        (None, None),
        ("Patient/1", None),
    ],
)
def test_the_normal_form_of_a_reference(member, key):
    """Versions don't count, addresses do, and what is no reference finds nobody."""
    assert member_key(member) == key


@pytest.mark.parametrize("elements", [{}, {"member": None}, {"member": {}}, {"member": 1}])
def test_a_group_without_members(elements):
    """An element that is absent or no list has no members."""
    assert members_of(elements) == []
    assert MemberIndex(elements).find("Patient/1") == []
    assert MemberIndex(elements).current("Patient/1") is None


def test_relative_references_come_first():
    """A relative reference finds relative entries, and absolute ones where there are none."""
    assert MemberIndex({"member": [THERE, HERE]}).find("Patient/1") == [HERE]
    assert MemberIndex({"member": [THERE, ELSEWHERE]}).find("Patient/1") == [THERE, ELSEWHERE]
    key = member_key(THERE) or ""
    assert MemberIndex({"member": [HERE, ELSEWHERE, THERE]}).find(key) == [THERE]
    assert MemberIndex({"member": [HERE, ELSEWHERE]}).find(key) == []


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
