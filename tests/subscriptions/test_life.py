"""The life of a subscription: what it leaves behind, what its end says, how a process ends."""

import asyncio
import json
import logging
import signal

import httpx
from websockets.asyncio.client import connect

from cli.commands import ask, serving
from group_gateway.http.subscriptions.socket_operations import ANSWERED_AT_ONCE as AT_ONCE
from group_gateway.sandbox.wellknown import GOLD_KIDNEY_ID, TEST_GROUP_ID, TOKEN
from subscriptions.listening import CHANGES, PROTOCOL, Stream, Talk
from waiting import until

IT = {"id": TEST_GROUP_ID, "since": "long ago"}


async def test_nothing_is_left_behind(server):
    """Hundreds of connections, ended in all ways, leave no task, no watch and no subscription."""
    async with server.introduced() as talk:  # what is made once is made by this
        await talk.listen()
    await idle(server)
    before = len(asyncio.all_tasks())
    for number in range(100):
        async with server.introduced() as talk:
            await talk.listen("1")
            await talk.listen("2", "no-such-group")
            if number % 3 == 0:
                await talk.say("complete", id="1")
            elif number % 3 == 1:
                talk.socket.transport.abort()
        async with server.streamed(**IT) as stream:
            await stream.event()
    await idle(server)
    await until(lambda: len(asyncio.all_tasks()) <= before)


async def test_a_query_that_is_given_up(serve, sandbox):
    """Its response is no longer needed, so the upstream gets no call for a further page."""
    server = await serve(cache_ttl=0)
    sandbox.use(max_count=7, latency_ms=20)
    async with server.introduced() as talk:
        await talk.say("ping")
        assert await talk.hear() == {"type": "pong"}
        before = len(asyncio.all_tasks())
        await talk.ask("1", '{ groups(filter: {practitioner: "none"}) { nodes { id } } }')
        await until(lambda: len(sandbox.calls) > 1)
        await talk.say("complete", id="1")
        await until(lambda: len(asyncio.all_tasks()) <= before)
        assert len(sandbox.calls) < 20  # the pages that are looked through


async def idle(server):
    """Wait until no subscription is open."""
    await server.until_metric(0, "subscriptions_open")
    await server.until_metric(0, "watched_groups")


async def test_silence_ends_nothing(serve):
    """A WebSocket on which nothing is said stays open for longer than a request may take."""
    server = await serve(client_timeout=1, subscription_interval=1.0)
    async with server.introduced() as talk, server.streamed(**IT) as stream:
        await stream.event()
        await server.until_metric(2, "polls_total", outcome="unchanged")
        await talk.say("ping")
        assert await talk.hear() == {"type": "pong"}
        await server.rename("Changed")
        assert (await stream.event())[1]["data"]["groupChanged"]["name"] == "Changed"


async def test_what_is_recorded(serve, tmp_path, caplog):
    """The audit log has a record for each event, with what was read; the log has a line at the end.

    Neither holds a name or a token, and the log no id.
    """
    file = tmp_path / "audit"
    caplog.set_level(logging.INFO, "group_gateway")
    server = await serve(audit_file=str(file), log_requests="all")
    async with server.introduced() as talk:
        await talk.listen()
        await talk.ask("2", CHANGES, id="no such id")
        assert (await talk.hear())["type"] == "error"
    await idle(server)
    lines = [r for r in caplog.records if getattr(r, "operation", "") == "subscription"]
    assert [(line.outcome, line.codes, line.events) for line in lines] == [
        ("ended", ("BAD_USER_INPUT",), 0),
        ("ended", (), 1),
    ]
    assert lines[0].fields == ("groupChanged",)
    await until(lambda: len(file.read_text().splitlines()) == 3)
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert [record["operation"] for record in records] == ["subscription"] * 3
    by_outcome = {(record["outcome"], *record["read"]) for record in records}
    assert by_outcome == {("event", TEST_GROUP_ID), ("ended",)}
    assert "Test Group" not in file.read_text()


async def test_what_was_asked_is_answered(server, sandbox):
    """A process that ends closes WebSockets and streams at once, but for answers on their way."""
    async with server.introduced() as talk, server.streamed(**IT) as stream:
        await talk.listen("changes")
        await stream.event()
        sandbox.use(latency_ms=500)
        sandbox.forget_calls()
        await talk.ask("query", f'{{ group(id: "{GOLD_KIDNEY_ID}") {{ id }} }}')
        await until(lambda: sandbox.calls)
        server.stop()
        assert await stream.event() == ("broken off", None)
        assert (await talk.hear())["payload"]["data"]["group"]["id"] == GOLD_KIDNEY_ID
        assert await talk.hear() == {"id": "query", "type": "complete"}
        assert await talk.closed() == (1001, "Going away")


async def test_a_subscription_that_waits_for_its_turn(server, sandbox):
    """It does not begin in a process that is stopping, where it would never end."""
    async with server.introduced() as talk:
        sandbox.use(latency_ms=1000)
        for number in range(AT_ONCE):
            await talk.ask(f"{number}", f'{{ group(id: "{number}") {{ id }} }}')
        await talk.ask("changes", CHANGES, **IT)
        await talk.say("ping")  # the answer tells that all that was asked has begun
        assert await talk.hear() == {"type": "pong"}
        server.stop()
        assert await talk.closed() == (1001, "Going away")


async def test_sigterm() -> None:
    """It ends all subscriptions: clients get the reason, and the process does not wait."""
    with serving("sandbox", "--port", "0") as process:
        headers = {"authorization": f"Bearer {TOKEN}", "accept": "text/event-stream"}
        asked = {"query": CHANGES, "variables": IT}
        url = f"{process.url}/graphql"
        async with (
            connect(url.replace("http", "ws", 1), subprotocols=[PROTOCOL]) as socket,
            connect(url.replace("http", "ws", 1), subprotocols=[PROTOCOL]) as anonymous,
            httpx.AsyncClient(timeout=60) as http,
            http.stream("POST", url, json=asked, headers=headers) as response,
        ):
            talk, stream = Talk(socket), Stream(response)
            await talk.introduce()
            assert changed_name(await stream.event()) == "Test Group"
            assert (await talk.listen())["name"] == "Test Group"
            process.process.send_signal(signal.SIGTERM)
            assert await talk.closed() == (1001, "Going away")
            assert await stream.event() == ("broken off", None)
            assert (await Talk(anonymous).closed())[0] == 1001
        ended = await asyncio.to_thread(process.end)
        assert (ended.status, ended.err) == (0, "")


def test_the_sandbox_without_them() -> None:
    """The sandbox has subscriptions on, unless that is set otherwise."""
    for setting, status in (({"subscriptions": "off"}, 400), ({}, 200)):
        with serving("sandbox", "--port", "0", **setting) as process:
            answer = ask(
                "POST",
                f"{process.url}/graphql",
                json={"query": CHANGES, "variables": {"id": "no-such-group"}},
                headers={"authorization": f"Bearer {TOKEN}", "accept": "text/event-stream, */*"},
            )
            assert answer.status_code == status


def changed_name(event):
    """Return the name in an event of a stream."""
    return event[1]["data"]["groupChanged"]["name"]
