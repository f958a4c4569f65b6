"""Missed invalidations are owed until they are made up for, or have lapsed."""

from group_gateway.cache.pending_invalidations import PendingInvalidations


def test_what_is_paid_is_not_owed_any_more() -> None:
    """Each tag is owed once, however often it was missed."""
    debts = PendingInvalidations(lifetime=10)
    assert not debts
    debts.add(["a", "b"], now=0)
    debts.add(["a"], now=1)
    assert debts
    assert list(debts.due(now=2)) == ["a", "b"]
    debts.settle(debts.due(now=2))
    assert not debts


def test_a_tag_that_is_missed_anew_while_it_is_paid_stays_owed() -> None:
    """The payment left before the newer write, even if the clock shows the same time."""
    debts = PendingInvalidations(lifetime=10)
    debts.add(["a", "b"], now=0)
    paid = debts.due(now=0)
    debts.add(["a"], now=0)
    debts.settle(paid)
    assert list(debts.due(now=0)) == ["a"]


def test_a_debt_lapses() -> None:
    """After its lifetime nothing is left that it could drop."""
    debts = PendingInvalidations(lifetime=10)
    debts.add(["a"], now=0)
    debts.add(["b"], now=5)
    assert list(debts.due(now=9)) == ["a", "b"]
    assert list(debts.due(now=10)) == ["b"]
    assert not debts.due(now=15)
    assert not debts
