"""What a search keeps in memory is never wrong about a write, a caller or the time."""

from gateway.answering import Answering, answering, ids, make_group, page

NAMED = """query ($word: String) {
    groups(filter: { name: { contains: $word } }) { nodes { id name } } }"""
RENAME = 'mutation { updateGroup(input: { id: "a", name: "new" }) { group { name } } }'


def two_groups():
    """Make an upstream with two groups that its searches and reads show as they are now."""
    groups = {"a": make_group("a", name="old"), "b": make_group("b", name="other")}
    entries = lambda: [{"resource": group} for group in groups.values()]  # noqa: E731
    return Answering(lambda _: page(*entries(), total=2), groups)


async def test_another_word_costs_no_call():
    """Words are looked for in what was read; nothing is asked for again."""
    upstream = two_groups()
    async with answering(upstream) as gateway:
        assert ids(await gateway(NAMED, word="OL")) == ["a"]
        calls = len(upstream.calls)
        assert ids(await gateway(NAMED, word="oth")) == ["b"]
        assert ids(await gateway(NAMED, word="none")) == []
        assert len(upstream.calls) == calls


async def test_a_write_is_seen_at_once():
    """After a write through the gateway the next search is asked anew."""
    upstream = two_groups()
    async with answering(upstream) as gateway:
        assert ids(await gateway(NAMED, word="old")) == ["a"]
        await gateway(RENAME)
        assert ids(await gateway(NAMED, word="ol")) == []
        assert ids(await gateway(NAMED, word="new")) == ["a"]


async def test_another_caller_shares_nothing():
    """What one caller read is not looked through for another."""
    upstream = two_groups()
    async with answering(upstream) as gateway:
        await gateway(NAMED, word="old", token="one")
        calls = len(upstream.calls)
        await gateway(NAMED, word="old", token="two")
        assert len(upstream.calls) > calls


async def test_it_lives_no_longer_than_the_cache():
    """Without a cache each search asks anew."""
    upstream = two_groups()
    async with answering(upstream, cache_ttl=0) as gateway:
        await gateway(NAMED, word="old")
        calls = len(upstream.calls)
        await gateway(NAMED, word="other")
        assert len(upstream.calls) > calls
