"""What a process knows of invalidations, and what it can't know counts against it."""

from group_gateway.cache.invalidation_history import InvalidationHistory, Tags
from unit.interleaving import Time

LIFETIME = 100.0


def test_an_entry_counts_until_a_later_invalidation_of_its_tag() -> None:
    """One of another tag is none, and neither is one that was known before the entry was read."""
    history = InvalidationHistory(lifetime=LIFETIME)
    history.record(["a"], 1)
    history.record(["b"], 2)
    assert history.holds("a", 1)
    assert not history.holds("a", 0)
    assert not history.holds("b", 1)


def test_one_of_everything_is_one_of_each() -> None:
    """Whatever was read before it counts no more, whether its tag was ever named or not."""
    history = InvalidationHistory(lifetime=LIFETIME)
    history.record(["a"], 1)
    history.record(None, 2)
    assert not history.holds("a", 1)
    assert not history.holds("never named", 1)
    assert history.holds("a", 2)


def test_what_is_forgotten_is_not_believed() -> None:
    """Too many tags and too old ones are dropped; entries that they may concern count no more."""
    for seconds, most in ((LIFETIME + 1, 50), (0.0, 2)):
        time = Time()
        history = InvalidationHistory(lifetime=LIFETIME, max_tags=most, clock=time)
        history.record(["a"], 1)
        time.now += seconds
        history.record(["b"], 2)
        history.record(["c"], 3)
        assert len(history) == 2
        assert not history.holds("a", 0)
        assert history.holds("a", 1)


def test_a_new_life_is_told_and_counted() -> None:
    """Nothing of before counts, though its number may be a higher one."""
    history = InvalidationHistory(lifetime=LIFETIME)
    told: list[Tags] = []
    history.listen(told.append)
    history.record(["a"], 7)
    position, count = history.position, history.count
    history.restart(3, [(4, ["b"]), (5, None)])
    assert told == [["a"], None]
    assert history.count != count
    assert not history.holds("a", position)
    assert history.number(position) is None
    assert history.number(history.position) == 5
    assert not history.holds("b", history.at(4))
    assert history.holds("b", history.at(5))
