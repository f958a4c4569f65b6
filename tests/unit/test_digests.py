"""Keys are digests: different for different parts, and without information about them."""

from hypothesis import assume, given
from hypothesis import strategies as st

from group_gateway.digests import DigestKeys
from group_gateway.groups.reading.loading.cache_slots import CacheSlots
from group_gateway.operation import Caller

RING = DigestKeys(b"a secret of 16 b")
parts = st.lists(st.text("ab\x00", max_size=3), max_size=4).map(tuple)


@given(parts, parts)
def test_other_parts_give_other_digits(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    """Also where the parts differ only in where one ends and the next begins."""
    assume(one != other)
    assert RING.digest(*one) != RING.digest(*other)


def test_without_the_secret_nothing_can_be_recomputed() -> None:
    """Two gateways with other secrets have no key in common."""
    assert RING.digest("a") != DigestKeys(b"another secret 16").digest("a")


def test_slots_tell_callers_groups_searches_and_upstreams_apart() -> None:
    """No two of them share a key; callers share the tag that a write renews."""
    one, other = Caller(RING.digest("one")), Caller(RING.digest("other"))
    here, there = CacheSlots(RING, "http://here"), CacheSlots(RING, "http://there")
    slots = [
        make(caller, name)
        for upstream in (here, there)
        for make in (upstream.group, upstream.search)
        for caller in (one, other)
        for name in ("a", "b", "")
    ]
    assert len({slot.key for slot in slots}) == len(slots)
    assert here.group(one, "a").tag == here.group(other, "a").tag == here.group_tag("a")
    assert here.search(one, "a").tag == here.search(other, "b").tag == here.search_tag
    assert len({here.search_tag, there.search_tag, here.group_tag("a"), there.group_tag("a")}) == 4
