"""Missed invalidations are owed until they are made up for, or have lapsed."""

from group_gateway.cache.pending_invalidations import PendingInvalidations


def test_what_is_paid_is_not_owed_any_more() -> None:
    """Each tag is owed once, however often it was missed."""
    pending_invalidations = PendingInvalidations(lifetime=10)
    assert not pending_invalidations
    pending_invalidations.add(["a", "b"], now=0)
    pending_invalidations.add(["a"], now=1)
    assert pending_invalidations
    assert list(pending_invalidations.due(now=2)) == ["a", "b"]
    pending_invalidations.settle(pending_invalidations.due(now=2))
    assert not pending_invalidations


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
    assert not pending_invalidations
