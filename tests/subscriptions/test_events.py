"""Which changes become events, for whom, and how the upstream is polled for them."""

from contextlib import AsyncExitStack

from group_gateway.sandbox.quirks import FaultRule
from group_gateway.sandbox.wellknown import GOLD_KIDNEY_ID, TEST_GROUP_ID
from subscriptions.listening import CHANGES, changed


async def test_own_writes_come_at_once(server):
    """A write through the gateway is sent without any poll."""
    async with server.introduced() as talk:
        before = await talk.listen()
        await server.rename("Changed here")
        after = changed(await talk.hear())
        assert after["name"] == "Changed here"
        assert after["version"] != before["version"]
    assert await server.metric("polls_total", outcome="changed") == 0


async def test_writes_of_others_are_found(serve, elsewhere):
    """A write around the gateway is found by polling, and read past the cache."""
    server = await serve(subscription_interval=1.0, cache_ttl=3600.0)
    async with server.introduced() as talk:
        await talk.listen()
        await elsewhere("Changed elsewhere")
        assert changed(await talk.hear())["name"] == "Changed elsewhere"
        query = f'{{ group(id: "{TEST_GROUP_ID}") {{ name }} }}'
        shown = await server.gateway.data(query)
        assert shown["group"]["name"] == "Changed elsewhere"


async def test_one_poll_for_all_who_listen(serve, sandbox, elsewhere):
    """Twenty listeners to a group cost as many polls as one, and a change one read more."""
    server = await serve(subscription_interval=1.0)
    async with AsyncExitStack() as stack:
        talks = [await stack.enter_async_context(server.introduced()) for _ in range(20)]
        for talk in talks:
            await talk.listen()
        assert len(sandbox.calls) - await polls(server) == 1  # all read once, from the cache
        await server.until_metric(2, "polls_total", outcome="unchanged")
        await elsewhere("Changed elsewhere")
        for talk in talks:
            assert changed(await talk.hear())["name"] == "Changed elsewhere"
        reads = sum(call == f"GET /Group/{TEST_GROUP_ID}" for call in sandbox.calls)
        others = 2  # this test's own read, and the listeners' second
        assert reads - await polls(server) in {others, others + 1}  # one poll may just have begun
    await server.until_metric(0, "watched_groups")


async def polls(server) -> float:
    """Count the polls that found the group as it was, or changed."""
    kinds = ("unchanged", "changed")
    return sum([await server.metric("polls_total", outcome=kind) for kind in kinds])


async def test_nobody_listens_nobody_polls(serve, sandbox):
    """When the last listener to a group has gone, the upstream is asked for it no more."""
    server = await serve(subscription_interval=1.0)
    async with server.introduced() as talk:
        await talk.listen("1")
        await talk.listen("2", GOLD_KIDNEY_ID)
        await talk.say("complete", id="1")
        await server.until_metric(1, "watched_groups")
        sandbox.forget_calls()
        await server.until_metric(await polls(server) + 2, "polls_total", outcome="unchanged")
        assert set(sandbox.calls) == {f"GET /Group/{GOLD_KIDNEY_ID}"}


async def test_since_version(server):
    """A client with an older version gets an event at once; one with the current, with the next."""
    async with server.introduced() as talk:
        version = (await talk.listen("old"))["version"]
        await talk.ask("new", CHANGES, id=TEST_GROUP_ID, since=version)
        await server.until_metric(2, "subscriptions_open")
        await talk.listen("other", GOLD_KIDNEY_ID)  # by now the one before has begun
        await server.rename("Next")
        told = [await talk.hear(), await talk.hear()]
        assert {message["id"]: changed(message)["name"] for message in told} == {
            "old": "Next",
            "new": "Next",
        }


async def test_what_stays_the_same_is_not_told(server):
    """Of a write that changes nothing, that is refused, or of another group there is no event."""
    late = """mutation ($id: ID!) {
        updateGroup(input: { id: $id, name: "Late", ifVersion: "old" }) { issues { code } } }"""
    async with server.introduced() as talk:
        name = (await talk.listen())["name"]
        await server.rename(name)
        refused = await server.gateway.data(late, id=TEST_GROUP_ID)  # listeners read again
        assert refused["updateGroup"]["issues"] == [{"code": "conflict"}]
        await server.rename("Another", GOLD_KIDNEY_ID)
        await server.rename("Changed")
        assert changed(await talk.hear())["name"] == "Changed"


async def test_a_group_that_is_not_there(server):
    """It is null, and the end."""
    async with server.introduced() as talk:
        assert await talk.listen("1", "no-such-group") is None
        assert await talk.hear() == {"id": "1", "type": "complete"}
        await server.until_metric(0, "watched_groups")


async def test_a_group_that_goes(serve, sandbox):
    """When polling finds a group gone, listeners get null, and the end."""
    server = await serve(subscription_interval=1.0)
    async with server.introduced() as talk:
        await talk.listen()
        sandbox.use(faults=(FaultRule(kind="status", status=404),))
        assert changed(await talk.hear()) is None
        assert (await talk.hear())["type"] == "complete"


async def test_an_upstream_that_fails_ends_nothing(serve, sandbox, elsewhere):
    """Failed polls are repeated, more rarely, and the change is sent in the end."""
    server = await serve(subscription_interval=1.0, upstream_rest=0.0)
    async with server.introduced() as talk:
        await talk.listen()
        sandbox.use(faults=(FaultRule(kind="status"),))
        await server.until_metric(1, "polls_total", outcome="failed")
        sandbox.use()
        await elsewhere("Changed while it was down")
        assert changed(await talk.hear())["name"] == "Changed while it was down"


async def test_an_event_is_a_whole_answer(server):
    """Fields below are resolved as in a query, in fragments too, with their errors in place."""
    async with server.introduced() as talk:
        query = """
        subscription ($id: ID!) { changed: groupChanged(id: $id, sinceVersion: "old") { ...F } }
        fragment F on Group { member(count: 1) { entity { resource { ... on Patient {
            id groups(first: -1) { nodes { id } } } } } } }"""
        await talk.ask("1", query, id=TEST_GROUP_ID)
        payload = (await talk.hear())["payload"]
        assert payload["errors"][0]["path"][:3] == ["changed", "member", 0]
        assert payload["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
