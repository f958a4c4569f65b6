"""Keys are digests: different for different parts, and without information about them."""

from hypothesis import assume, given
from hypothesis import strategies as st

from group_gateway.cache.redis.redis_leases import RedisLeases
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


def test_slots_tell_service_accounts_apart() -> None:
    """What accounts and callers' own tokens are shown may differ; writes concern all."""
    caller = Caller(RING.digest("one"))
    slots = [CacheSlots(RING, "http://here", account) for account in ((), ("a", "x"), ("b", "x"))]
    for make in (CacheSlots.group, CacheSlots.search):
        found = [make(each, caller, "1") for each in slots]
        assert len({slot.key for slot in found}) == 3
        assert len({slot.tag for slot in found}) == 1
    for type in ("Group", "Patient"):
        assert len({each.resource(caller, type, "1", None).key for each in slots}) == 3


async def test_polls_of_one_upstream_stand_in_for_none_of_another() -> None:
    """Deployments with other upstreams or accounts that share a Redis poll for themselves."""
    claimed: set[str] = set()

    async def claim(_: str, keys: list[str], __: list[str | int]) -> int:
        is_free = keys[0] not in claimed
        claimed.update(keys)
        return int(is_free)

    leases = [RedisLeases(claim, view) for view in ("here", "there", "here")]
    assert [await each.claim("poll:list", 1.0) for each in leases] == [True, True, False]
