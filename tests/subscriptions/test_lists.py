"""`groupsChanged`: one subscription for a screen of groups, whatever the source of a change."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from websockets.exceptions import ConnectionClosedError

from group_gateway.sandbox.wellknown import (
    GOLD_KIDNEY_ID,
    HIDDEN_TEAM_ID,
    SEED_PATIENT_ID,
    TEST_GROUP_ID,
    TEST_GROUP_TWIN_ID,
)
from subscriptions.listening import PATIENCE, codes

LIST = """subscription Changes($filter: GroupFilter, $ids: [ID!]) {
  groupsChanged(filter: $filter, ids: $ids) { id group { name version } }
}"""
PATIENTS = {"patient": SEED_PATIENT_ID}
CREATE = """mutation ($input: CreateGroupInput!) {
  createGroup(input: $input) { group { id } issues { code } }
}"""


def change(message):
    """Return the change in an event."""
    assert message["type"] == "next", message
    assert "errors" not in message["payload"], message
    return message["payload"]["data"]["groupsChanged"]


async def follow(server, talk, lists=1, **variables):
    """Subscribe, and wait until the gateway watches `lists` lists and has read this one."""
    await talk.ask("1", LIST, **variables)
    await server.until_metric(lists, "watched_lists")
    await server.gateway.data("query ($f: GroupFilter) { groups(filter: $f) { nodes { id } } }")


async def test_own_writes_come_at_once(server):
    """A write through the gateway is sent with the group as it is now, without a poll."""
    async with server.introduced() as talk:
        await follow(server, talk, filter=PATIENTS)
        await server.rename("Changed here")
        told = change(await talk.hear())
        assert (told["id"], told["group"]["name"]) == (TEST_GROUP_ID, "Changed here")
        await server.rename("The twin", TEST_GROUP_TWIN_ID)
        assert change(await talk.hear())["id"] == TEST_GROUP_TWIN_ID
    assert await server.metric("polls_total", outcome="changed") == 0
    await server.until_metric(0, "watched_lists")


async def test_groups_come_and_go(server):
    """A new matching group is sent, and one that no longer matches, without its content."""
    async with server.introduced() as talk:
        await follow(server, talk, filter=PATIENTS)
        member = [{"reference": f"Patient/{SEED_PATIENT_ID}"}]
        new = {"name": "Flu shots", "type": "PERSON", "member": member}
        made = (await server.gateway.data(CREATE, input=new))["createGroup"]["group"]["id"]
        told = change(await talk.hear())
        assert (told["id"], told["group"]["name"]) == (made, "Flu shots")
        leave = """mutation ($input: RemoveGroupMembersInput!) {
            removeGroupMembers(input: $input) { issues { code } } }"""
        await server.gateway.data(leave, input={"groupId": made, "members": member})
        assert change(await talk.hear()) == {"id": made, "group": None}


async def test_only_what_is_named(server):
    """With `ids` no other group is sent; with a filter too, both must hold."""
    async with server.introduced() as talk:
        await follow(server, talk, ids=[TEST_GROUP_ID, GOLD_KIDNEY_ID], filter=PATIENTS)
        await server.rename("Does not fit", GOLD_KIDNEY_ID)
        await server.rename("Is not named", TEST_GROUP_TWIN_ID)
        await server.rename("Both")
        assert change(await talk.hear())["group"]["name"] == "Both"


@pytest.mark.parametrize("asked", [{"ids": [TEST_GROUP_ID]}, {"filter": PATIENTS}])
async def test_writes_of_others_are_found(serve, elsewhere, asked):
    """A write around the gateway is found by polling, past the cache."""
    server = await serve(subscription_interval=1.0, cache_ttl=3600.0, cache_search_ttl=3600.0)
    async with server.introduced() as talk:
        await follow(server, talk, **asked)
        await elsewhere("Changed elsewhere")
        assert change(await talk.hear())["group"]["name"] == "Changed elsewhere"


async def test_one_poll_for_all_who_listen(serve, sandbox, elsewhere):
    """Twenty listeners to a list cost one search a poll, and one more when something changed."""
    server = await serve(subscription_interval=1.0, cache_ttl=3600.0, cache_search_ttl=3600.0)
    async with AsyncExitStack() as stack:
        talks = [await stack.enter_async_context(server.introduced()) for _ in range(20)]
        for talk in talks:
            await follow(server, talk, filter=PATIENTS)
        await server.until_metric(2, "polls_total", outcome="unchanged")
        searches = sum("patient=" in call for call in sandbox.calls)
        assert searches <= 1 + await polls(server) + 1  # one poll may just have begun
        await elsewhere("Changed elsewhere")
        for talk in talks:
            assert change(await talk.hear())["group"]["name"] == "Changed elsewhere"
        searches = sum("patient=" in call for call in sandbox.calls)
        assert searches <= 2 + await polls(server) + 1


async def polls(server) -> float:
    """Count the polls."""
    kinds = ("unchanged", "changed")
    return sum([await server.metric("polls_total", outcome=kind) for kind in kinds])


async def test_callers_are_told_what_they_may_see(server):
    """A change of a group that the upstream hides from a caller is not sent to it."""
    async with server.introduced("sandbox-other") as other, server.introduced() as talk:
        teams = {"type": "PRACTITIONER"}
        await follow(server, other, filter=teams)
        await follow(server, talk, filter=teams)
        await server.rename("Hidden", HIDDEN_TEAM_ID)
        assert change(await talk.hear())["id"] == HIDDEN_TEAM_ID
        seen = "query ($f: GroupFilter) { groups(filter: $f, first: 1) { nodes { id } } }"
        shown = await server.gateway.data(seen, token="sandbox-other", f=teams)
        [visible] = shown["groups"]["nodes"]
        await server.rename("Seen by both", visible["id"])
        assert change(await other.hear())["id"] == visible["id"]


async def test_bad_lists_are_refused(server):
    """Too many ids, a malformed one and a bad token are errors with their codes, and the end."""
    async with server.introduced() as talk:
        await talk.ask("1", LIST, ids=[f"g{number}" for number in range(201)])
        assert codes(await talk.hear()) == ["BAD_USER_INPUT"]
        await talk.ask("2", LIST, ids=["no id"])
        assert codes(await talk.hear()) == ["BAD_USER_INPUT"]
    async with server.introduced("wrong") as talk:
        await talk.ask("1", LIST, filter=PATIENTS)
        assert codes(await talk.hear()) == ["UNAUTHENTICATED"]
    await server.until_metric(0, "watched_lists")


async def test_a_revoked_token_ends_it(serve, sandbox):
    """A token that a poll shows to be refused closes a quiet connection: clients bring another."""
    server = await serve(subscription_interval=1.0)
    async with server.introduced("sandbox-read") as talk:
        await follow(server, talk, filter=PATIENTS)
        async with asyncio.timeout(PATIENCE):
            while not await polls(server):  # noqa: ASYNC110 - over HTTP
                await asyncio.sleep(0.02)
        sandbox.app.state.sandbox.tokens.revoke("sandbox-read")
        with pytest.raises(ConnectionClosedError) as closed:
            await talk.hear()  # no error before, which would end the client's subscription
        assert closed.value.rcvd.code == 4403
    await server.until_metric(0, "watched_lists")
