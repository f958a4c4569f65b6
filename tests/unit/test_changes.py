"""Updates and responsibilities, on any group that an upstream may have stored."""

from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from group_gateway.fhir.characteristic import responsibilities_of, responsibility
from group_gateway.groups.writing.changes import SetElements, SetResponsibilities
from unit.group_states import additions, groups

CODES = ["REVIEW_COVERAGES", "COLLECT_PATIENT_PAYMENTS", "PROCESS_REFILL_REQUESTS"]
codes = st.lists(st.sampled_from(CODES), unique=True).map(tuple)
others = st.sampled_from(
    [
        {"code": {"text": "shift"}, "valueCodeableConcept": {"text": "night"}, "exclude": False},
        responsibility(CODES[0]) | {"exclude": True},
        "nonsense",
    ]
)
traits = st.lists(st.one_of(st.sampled_from(CODES).map(responsibility), others), max_size=5)
teams = st.fixed_dictionaries(
    {"resourceType": st.just("Group"), "type": st.just("practitioner")},
    optional={"characteristic": traits, "name": st.just("Team")},
)
values = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["x", "new"]),
        "active": st.sampled_from([None, True, False]),
        "code": st.sampled_from([None, {"text": "new"}]),
        "member": st.one_of(st.none(), additions.map(list)),
    },
)


@given(groups, values)
def test_omitted_keeps_null_clears_and_a_value_sets(group, wanted):
    """Omitted elements stay, null removes an element, and a value replaces it."""
    before = deepcopy(group)
    after = dict(group)
    SetElements(wanted).apply(after)
    assert group == before
    assert {k: v for k, v in after.items() if k not in wanted} == {
        k: v for k, v in before.items() if k not in wanted
    }
    assert not {name for name, value in wanted.items() if value is None} & after.keys()
    assert SetElements(wanted).check(after) == []


@given(groups, values)
def test_setting_twice_is_setting_once(group, wanted):
    """The second time nothing changes."""
    once = dict(group)
    SetElements(wanted).apply(once)
    twice = dict(once)
    SetElements(wanted).apply(twice)
    assert twice == once


@given(teams, codes)
def test_a_team_has_exactly_these_responsibilities(team, wanted):
    """The named responsibilities are present, no others are, and every other trait stays."""
    before = deepcopy(team)
    after = dict(team)
    SetResponsibilities(wanted).apply(after)
    assert team == before
    assert set(responsibilities_of(after)) == set(wanted)
    assert SetResponsibilities(wanted).check(after) == []
    assert [t for t in after.get("characteristic", []) if not _is_held(t)] == [
        t for t in before.get("characteristic", []) if not _is_held(t)
    ]


@given(teams, codes)
def test_what_a_team_has_already_is_no_change(team, wanted):
    """Responsibilities that are set again leave the group as it is."""
    once = dict(team)
    SetResponsibilities(wanted).apply(once)
    twice = dict(once)
    SetResponsibilities(wanted[::-1]).apply(twice)
    assert twice == once


def _is_held(trait: object) -> bool:
    return bool(responsibilities_of({"characteristic": [trait]}))
