"""Invalidations are pending until the log holds them, or nothing is left that they concern."""

from group_gateway.cache.invalidation_log import EVERYTHING
from group_gateway.cache.pending_invalidations import PendingInvalidations


def test_what_is_paid_is_not_owed_any_more() -> None:
    """Each tag is owed once, however often it was missed."""
    pending_invalidations = PendingInvalidations(lifetime=10)
    assert pending_invalidations.are_confirmed
    pending_invalidations.add(["a", "b"], now=0)
    pending_invalidations.add(["b"], now=1)
    assert not pending_invalidations.are_confirmed
    assert list(pending_invalidations.due(now=2)) == ["a", "b"]
    pending_invalidations.settle(pending_invalidations.due(now=2))
    assert pending_invalidations.are_confirmed


def test_a_tag_that_is_missed_anew_while_it_is_paid_stays_owed() -> None:
    """The payment left before the newer write, even if the clock shows the same time."""
    pending_invalidations = PendingInvalidations(lifetime=10)
    pending_invalidations.add(["a", "b"], now=0)
    paid = pending_invalidations.due(now=0)
    pending_invalidations.add(["a"], now=0)
    pending_invalidations.settle(paid)
    assert list(pending_invalidations.due(now=0)) == ["a"]


def test_a_debt_lapses() -> None:
    """After its lifetime nothing is left that it could drop."""
    pending_invalidations = PendingInvalidations(lifetime=10)
    pending_invalidations.add(["a"], now=0)
    pending_invalidations.add(["b"], now=5)
    assert list(pending_invalidations.due(now=9)) == ["a", "b"]
    assert list(pending_invalidations.due(now=10)) == ["b"]
    assert not pending_invalidations.due(now=15)
    assert pending_invalidations.are_confirmed


def test_what_was_told_may_be_lost() -> None:
    """After a fail-over all that is not too old is due again."""
    pending_invalidations = PendingInvalidations(lifetime=10)
    pending_invalidations.settle(pending_invalidations.add(["a"], now=0))
    pending_invalidations.settle(pending_invalidations.add(["b"], now=5))
    pending_invalidations.doubt()
    assert list(pending_invalidations.due(now=9)) == ["a", "b"]
    assert list(pending_invalidations.due(now=10)) == ["b"]


def test_too_many_become_one_of_everything() -> None:
    """What is remembered is bounded; nothing that was owed is forgotten."""
    pending_invalidations = PendingInvalidations(lifetime=10, most=3)
    pending_invalidations.settle(pending_invalidations.add(["a", "b"], now=0))
    added = pending_invalidations.add(["c", "d"], now=1)
    assert list(pending_invalidations.due(now=1)) == ["c", "d"]
    pending_invalidations.settle(added)
    pending_invalidations.doubt()
    assert list(pending_invalidations.due(now=1)) == [EVERYTHING, "c", "d"]


def test_too_many_that_are_not_told_are_due_as_everything() -> None:
    """One that is owed makes all of them owed."""
    pending_invalidations = PendingInvalidations(lifetime=10, most=3)
    pending_invalidations.add(["a"], now=0)
    pending_invalidations.settle(pending_invalidations.add(["b"], now=0))
    pending_invalidations.settle(pending_invalidations.add(["c", "d"], now=1))
    assert list(pending_invalidations.due(now=1)) == [EVERYTHING]
