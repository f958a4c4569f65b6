"""OperationOutcomes of any shape: what FHIR says is read, the rest left out, all of it bounded."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from group_gateway.fhir.operation_outcome import LONGEST_TEXT, MOST_ISSUES, Issue, parse_issues

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["severity", "code", "details", "text", "coding", "diagnostics", "expression", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def outcome(*issues: Any) -> dict[str, Any]:
    """Return an OperationOutcome with these issues."""
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


@given(st.lists(json_values, max_size=4))
def test_any_issue_is_read_or_left_out(issues: list[Any]) -> None:
    """Any object is one issue, which can be encoded."""
    found = parse_issues(outcome(*issues))
    assert found is not None
    assert len(found) == sum(isinstance(issue, dict) for issue in issues)
    assert {issue.severity for issue in found} <= {"fatal", "error", "warning", "information"}
    assert msgspec.json.encode(found)


@pytest.mark.parametrize(
    "body",
    [None, [], "OperationOutcome", {}, {"resourceType": "Patient"}, {"resourceType": [1]}],
)
def test_what_is_no_outcome(body: Any) -> None:
    """Anything but an OperationOutcome has no issues, not even none."""
    assert parse_issues(body) is None


@pytest.mark.parametrize("issue", [None, 5, {}, "x", {"severity": "error"}])
def test_an_outcome_without_issues(issue: Any) -> None:
    """An OperationOutcome whose issues are no list has none."""
    assert parse_issues({"resourceType": "OperationOutcome", "issue": issue}) == ()


@pytest.mark.parametrize(
    ("issue", "expected"),
    [
        ({}, Issue("error", "unknown", "")),
        ({"severity": "catastrophe", "code": "x"}, Issue("error", "x", "")),
        ({"severity": ["fatal"], "code": {"text": "x"}}, Issue("error", "unknown", "")),
        ({"details": "plain words"}, Issue("error", "unknown", "plain words")),
        ({"details": {"text": 5}, "diagnostics": []}, Issue("error", "unknown", "")),
        (
            {"location": ["/f:Group/f:name"]},
            Issue("error", "unknown", "", expression=("/f:Group/f:name",)),
        ),
        (
            {"expression": ["Group.name", 5], "location": ["x"]},
            Issue("error", "unknown", "", expression=("Group.name",)),
        ),
        (
            {"details": {"coding": [{"code": "c", "display": 5, "x": {}}, 5]}},
            Issue("error", "unknown", "", coding=({"code": "c"},)),
        ),
    ],
)
def test_how_an_odd_issue_is_read(issue: Any, expected: Issue) -> None:
    """An unknown severity is an error, an unknown code unknown, and older forms are understood."""
    assert parse_issues(outcome(issue)) == (expected,)


def test_an_outcome_without_end() -> None:
    """Issues, texts and lists are cut off at a readable length."""
    issue = {"details": {"text": "x" * 10**6}, "expression": ["y" * 10**6] * 1000}
    found = parse_issues(outcome(*[issue] * 200))
    assert found is not None
    assert len(found) == MOST_ISSUES
    assert {len(issue.text) for issue in found} == {LONGEST_TEXT}
    assert {len(issue.expression) for issue in found} == {100}
    assert len(json.dumps(found[0].expression)) < 100 * (LONGEST_TEXT + 10)
