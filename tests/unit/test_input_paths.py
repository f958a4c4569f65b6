"""Where in the input an upstream's issue is, from the upstream's words."""

import pytest

from group_gateway.fhir.operation_outcome import Issue
from group_gateway.groups.writing.changes import SetElements, SetResponsibilities
from group_gateway.groups.writing.creation import NewGroup
from group_gateway.groups.writing.input_paths import resource_path
from group_gateway.groups.writing.memberships import AddMembers, RemoveMembers

ADDED = {"entity": {"reference": "Patient/2"}}
SENT = {"member": [{"entity": {"reference": "Patient/1"}}, ADDED]}


def issue(text: str = "", *expression: str) -> Issue:
    """Return an issue as an upstream sends it."""
    return Issue("error", "invalid", text, expression=expression)


def placed(change: object, found: Issue) -> tuple[str, ...]:
    """Return the path that a change assigns to an issue."""
    [located] = change.located([found], SENT)  # type: ignore[attr-defined]
    return located.input_path


@pytest.mark.parametrize(
    ("found", "place"),
    [
        (issue("body -> member -> 0 -> entity -> reference — wrong"), ("member", "0", "reference")),
        (issue("body -> actual — Field required"), ("actual",)),
        (issue("", "Group.characteristic[2].exclude"), ("characteristic", "2", "exclude")),
        (issue("", "Group.actual", "Group.name"), ("actual",)),
        (issue("", "Patient.name"), ()),
        (issue("somewhere in the body"), ()),
        (issue(), ()),
    ],
)
def test_the_place_that_an_upstream_names(found, place):
    """The framework's path in the text counts, then a FHIRPath; a member's entity is left out."""
    assert resource_path(found) == place


def test_of_an_update():
    """An element that the input sets is its place; another one is none of its business."""
    change = SetElements({"identifier": []})
    assert placed(change, issue("", "Group.identifier[0].use")) == ("identifier", "0", "use")
    assert placed(change, issue("", "Group.member[0]")) == ()


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("member -> 1 -> entity -> reference", ("members", "0", "reference")),
        ("member -> 1", ("members", "0")),
        ("member -> 0 -> entity", ()),
        ("member -> 2", ()),
        ("member -> x", ()),
        ("member -> " + "9" * 5000, ()),
        ("member", ()),
        ("name", ()),
    ],
)
def test_of_an_addition(path, place):
    """A place in the whole list that was sent becomes one in the list that was asked for."""
    assert placed(AddMembers((ADDED,)), issue(f"body -> {path} — wrong")) == place
    assert placed(RemoveMembers(("Patient/2",)), issue(f"body -> {path} — wrong")) == ()


def test_of_responsibilities():
    """The one that an issue names is its place."""
    change = SetResponsibilities(("REVIEW_COVERAGES", "PROCESS_CHANGE_REQUESTS"))
    text = "Responsibility 'PROCESS_CHANGE_REQUESTS' is already assigned to another team"
    assert placed(change, issue(text)) == ("responsibilities", "1")
    assert placed(change, issue("No.")) == ()


def test_of_a_new_group():
    """Characteristics that responsibilities became are responsibilities again."""
    trait = {"code": {"text": "age"}, "valueBoolean": True}
    new = NewGroup({"name": "x", "characteristic": [trait]}, ("REVIEW_COVERAGES",))
    found = [
        issue("", "Group.characteristic[0].exclude"),
        issue("", "Group.characteristic[1].valueCodeableConcept"),
        issue("", "Group.characteristic[2]"),
        issue("", "Group.quantity"),
        issue("REVIEW_COVERAGES is taken"),
    ]
    assert [located.input_path for located in new.located(found)] == [
        ("characteristic", "0", "exclude"),
        ("responsibilities", "0"),
        ("characteristic", "2"),
        (),
        ("responsibilities", "0"),
    ]
