"""Each subscriber gets only what it may see itself, and only as long as it may."""

import time

from group_gateway.sandbox.quirks import FaultRule
from group_gateway.sandbox.wellknown import (
    HIDDEN_TEAM_ID,
    MEDIUM_GROUP_ID,
    OTHER_TOKEN,
    READ_TOKEN,
    TOKEN,
)
from identity.issuer import AUDIENCE, ISSUER, published, signed
from redis_server import redis_server
from subscriptions.listening import CHANGES, changed, codes

BY_TOKEN = {
    "callers": "jwt",
    "jwt_issuer": ISSUER,
    "jwt_audience": AUDIENCE,
    "jwt_keys_url": "http://issuer.test/keys",
    "jwt_leeway": 0.0,
    "service_client_id": "sandbox",
    "service_client_secret": "sandbox-secret",
    "service_token_url": "http://upstream.test/auth/token/",
}


async def test_what_one_may_not_see_is_refused(server):
    """A caller who may not read the group gets an error at once, and no change."""
    async with server.introduced() as allowed, server.introduced(OTHER_TOKEN) as refused:
        await allowed.listen(group=HIDDEN_TEAM_ID)
        await refused.ask("1", CHANGES, id=HIDDEN_TEAM_ID)
        assert codes(await refused.hear()) == ["FORBIDDEN"]
        await server.rename("Changed", HIDDEN_TEAM_ID)
        assert changed(await allowed.hear())["name"] == "Changed"
        await refused.say("ping")
        assert await refused.hear() == {"type": "pong"}


async def test_each_reads_for_itself(server, sandbox):
    """An event is read with the credential of its subscriber, once for each caller."""
    async with (
        server.introduced(TOKEN) as one,
        server.introduced(TOKEN) as same,
        server.introduced(READ_TOKEN) as another,
    ):
        talks = [one, same, another]
        for talk in talks:
            await talk.listen()
        sandbox.forget_calls()
        await server.rename("Changed")
        for talk in talks:
            assert changed(await talk.hear())["name"] == "Changed"
        entries = sandbox.app.state.sandbox.requests.entries
        reads = [entry for entry in entries if entry.method == "GET"]
        assert len(reads) == 2 + 2  # the write's own two, and one of each caller


async def test_rights_that_are_lost_end_it(serve, sandbox, elsewhere):
    """A revoked token ends its subscription though nothing changes; others' credentials poll on."""
    server = await serve(subscription_interval=1.0)
    async with server.introduced(READ_TOKEN) as lost, server.introduced() as kept:
        await lost.listen()
        await kept.listen()
        assert sandbox.app.state.sandbox.tokens.revoke(READ_TOKEN)
        assert await lost.closed() == REFUSED
        await server.until_metric(1, "subscriptions_open")
        await elsewhere("Changed elsewhere")
        assert changed(await kept.hear())["name"] == "Changed elsewhere"


async def test_a_refused_poll_is_no_failure_of_the_cache(serve, sandbox, tmp_path, caplog):
    """When the last subscriber leaves, a poll still sends its invalidation to Redis."""
    with redis_server(tmp_path) as redis:
        server = await serve(subscription_interval=1.0, cache_url=redis.url, cache_stale=600.0)
        async with server.introduced(READ_TOKEN) as lost:
            await lost.listen()
            assert sandbox.app.state.sandbox.tokens.revoke(READ_TOKEN)
            assert await lost.closed() == REFUSED
            await server.until_metric(0, "watched_groups")
        assert "The cache fails" not in caplog.text


async def test_a_refused_event_ends_it(server, sandbox):
    """A caller who may no longer see the group when it changes gets an error, not the change."""
    async with server.introduced(READ_TOKEN) as talk:
        await talk.listen()
        assert sandbox.app.state.sandbox.tokens.revoke(READ_TOKEN)
        await server.rename("Changed")
        assert await talk.closed() == REFUSED


async def test_a_token_that_was_never_accepted(server):
    """The first operation with a token that the upstream refuses says so, and is the last."""
    async with server.introduced("no-such-token") as talk:
        await talk.ask("1", CHANGES, **IT)
        assert codes(await talk.hear()) == ["UNAUTHENTICATED"]
        assert await talk.closed() == REFUSED


async def test_a_query_with_a_revoked_token(server, sandbox):
    """A query is answered, and the connection ends, so that the client brings another token."""
    asked = f'{{ group(id: "{IT["id"]}") {{ id }} }}'
    async with server.introduced(READ_TOKEN) as talk:
        await talk.listen("1")
        assert sandbox.app.state.sandbox.tokens.revoke(READ_TOKEN)
        await server.rename("Changed by another", MEDIUM_GROUP_ID)
        await talk.ask("2", asked.replace(IT["id"], MEDIUM_GROUP_ID))
        answer = await talk.hear()
        assert answer["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert (await talk.hear())["type"] == "complete"
        assert await talk.closed() == REFUSED


async def test_a_refused_poll_is_no_failure(serve, sandbox, elsewhere):
    """A subscriber whom the upstream refuses is disconnected; the change reaches the others."""
    server = await serve(subscription_interval=1.0)
    async with server.introduced() as first, server.introduced(READ_TOKEN) as second:
        await first.listen()
        await second.listen()
        sandbox.use(faults=(FaultRule(kind="status", status=403, times=1),))
        assert codes(await first.hear()) == ["FORBIDDEN"]
        await elsewhere("Changed elsewhere")
        assert changed(await second.hear())["name"] == "Changed elsewhere"


async def test_a_token_that_expires(serve):
    """At its time a WebSocket is closed, upon which clients come again, and a stream ends."""
    server = await serve(**BY_TOKEN)
    token = signed(exp=int(time.time()) + 5)
    async with server.introduced(token) as talk, server.streamed(token=token, **IT) as stream:
        await talk.listen()
        assert (await stream.event())[0] == "next"
        assert await talk.closed() == (4403, "Forbidden: The token has expired.")
        _, told = await stream.event()
        assert told["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert await stream.event() == ("complete", None)
    async with server.connected() as talk:
        await talk.say("connection_init", payload={"authorization": f"Bearer {token}"})
        assert (await talk.closed())[0] == 4403


async def test_scopes_hold(serve):
    """With a service account the token's scopes decide; a caller without read gets no event."""
    server = await serve(**BY_TOKEN)
    async with server.introduced(signed(scope="user/Group.write")) as talk:
        await talk.ask("1", CHANGES, **IT)
        assert codes(await talk.hear()) == ["FORBIDDEN"]


async def test_keys_that_are_withdrawn(serve, issuer):
    """A connection whose token's key the issuer has withdrawn ends, though nothing happens."""
    server = await serve(**BY_TOKEN)
    async with server.introduced(signed()) as talk:
        await talk.listen()
        issuer.keys = [published("another")]
        bearer = {"authorization": f"Bearer {signed('another')}"}
        answer: dict[str, object] = {"errors": []}
        while "errors" in answer:  # until the keys have been read again, which is not done often
            asked = {"query": f'{{ group(id: "{IT["id"]}") {{ id }} }}'}
            answer = (await server.http.post("/graphql", json=asked, headers=bearer)).json()
        assert await talk.closed() == REFUSED


REFUSED = (4403, "Forbidden: The token is not accepted any more.")
IT = {"id": "33104aa7-e3ae-4650-bdac-04bfae8365bc", "since": "long ago"}
