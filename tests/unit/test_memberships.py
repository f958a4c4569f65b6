"""Changes of members, on any group that an upstream may have stored."""

from copy import deepcopy
from typing import Any

from hypothesis import given

from group_gateway.groups.writing.member_index import is_active, member_key, members_of
from group_gateway.groups.writing.memberships import AddMembers, DeactivateMembers, RemoveMembers
from unit.group_states import additions, groups, keys


def applied(change: Any, group: dict[str, Any]) -> dict[str, Any]:
    """Return a group after a change."""
    draft = dict(group)
    change.apply(draft)
    return draft


def active(group: dict[str, Any]) -> set[str]:
    """Return the references of the active members, as far as an input can name them."""
    found = {member_key(m): m for m in members_of(group) if member_key(m) and is_active(m)}
    return {key for key in found if key is not None and key.startswith("Patient/")}


@given(groups, additions)
def test_who_is_added_is_a_member(group, members):
    """All added members are present as requested, and so are all earlier ones."""
    after = applied(AddMembers(members), group)
    ended = {member_key(m) for m in members if m.get("inactive")}
    assert active(after) == (active(group) | {member_key(m) for m in members}) - ended
    assert AddMembers(members).check(after) == []
    assert len(members_of(after)) >= len(members_of(group))


@given(groups, additions)
def test_adding_twice_is_adding_once(group, members):
    """The second time nothing changes, and every member is remarked on."""
    once = applied(AddMembers(members), group)
    draft = dict(once)
    remarks = AddMembers(members).apply(draft)
    assert draft == once
    assert [remark.input_path for remark in remarks] == [
        ("members", str(index)) for index in range(len(members))
    ]


@given(groups, additions)
def test_adding_and_removing_leaves_the_original(group, members):
    """Removing the new members restores the group, but for an empty list."""
    there = {key for m in members_of(group) if (key := member_key(m))}
    new = tuple(m for m in members if member_key(m) not in there)
    added = applied(AddMembers(new), group)
    after = applied(RemoveMembers(tuple(member_key(m) or "" for m in new)), added)
    assert after == group | ({"member": members_of(group)} if new else {})


@given(groups, additions, keys)
def test_nothing_but_members_changes(group, members, gone):
    """No other element is touched, nor any other member, nor the group that it began with."""
    before = deepcopy(group)
    named = {member_key(m) for m in members} | set(gone)
    for change in (AddMembers(members), RemoveMembers(tuple(gone)), DeactivateMembers(tuple(gone))):
        after = applied(change, group)
        assert group == before
        assert {k: v for k, v in after.items() if k != "member"} == {
            k: v for k, v in before.items() if k != "member"
        }
        assert [m for m in members_of(after) if member_key(m) not in named] == [
            m for m in members_of(before) if member_key(m) not in named
        ]


@given(groups, additions)
def test_an_entry_keeps_what_an_input_can_not_say(group, members):
    """Entries stay where they are, with their entities and extensions; new ones come last."""
    after = members_of(applied(AddMembers(members), group))
    for entry, before in zip(after, members_of(group), strict=False):
        assert hidden(entry) == hidden(before)


def hidden(entry: Any) -> Any:
    """Return what an input can't say of a member."""
    return entry and {k: v for k, v in entry.items() if k not in {"inactive", "period"}}


@given(groups, keys)
def test_who_is_removed_is_gone(group, gone):
    """No removed member is left, listed once or twice; removing a stranger is a warning."""
    draft = dict(group)
    remarks = RemoveMembers(tuple(gone)).apply(draft)
    assert not set(gone) & {member_key(m) for m in members_of(draft)}
    assert RemoveMembers(tuple(gone)).check(draft) == []
    there = {member_key(m) for m in members_of(group)}
    assert [gone[int(remark.input_path[1])] for remark in remarks] == [
        key for key in gone if key not in there
    ]


@given(groups, keys)
def test_removing_twice_is_removing_once(group, gone):
    """The second time nothing changes."""
    for change in (RemoveMembers(tuple(gone)), DeactivateMembers(tuple(gone))):
        once = applied(change, group)
        assert applied(change, once) == once


@given(groups, keys)
def test_who_is_made_inactive_stays_listed(group, gone):
    """No member leaves the list, and no removed member is active in it."""
    after = applied(DeactivateMembers(tuple(gone)), group)
    assert list(map(member_key, members_of(after))) == list(map(member_key, members_of(group)))
    assert active(after) == active(group) - set(gone)
    assert DeactivateMembers(tuple(gone)).check(after) == []


@given(groups, keys)
def test_another_way_is_taken_only_where_members_stayed(group, gone):
    """What was sent without a member and stored with it shows that omission does not remove."""
    change = RemoveMembers(tuple(gone))
    sent = applied(change, group)
    assert change.fallback(sent, sent) is None
    assert change.fallback(group, group) is None
    stays = active(group) & set(gone)
    other = change.fallback(group, sent)
    assert (other == DeactivateMembers(tuple(gone))) == bool(stays)
    assert DeactivateMembers(tuple(gone)).fallback(group, sent) is None
