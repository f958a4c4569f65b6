"""Spans of OpenTelemetry, as a receiver of OTLP gets them."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from group_gateway.sandbox.quirks import FaultRule
from observability.conftest import Receiver, attributes
from redis_server import redis_server

ID = "33104aa7-e3ae-4650-bdac-04bfae8365bc"
READ = f'query Tour {{ group(id: "{ID}") {{ name }} }}'
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
UNSAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-00"}


async def post(gateway: Any, query: str, **headers: str) -> Any:
    """Send a query with further headers."""
    headers["authorization"] = headers.get("authorization", "Bearer sandbox")
    return (await gateway.http.post("/graphql", json={"query": query}, headers=headers)).json()


def is_below_another_service(span: Any) -> bool:
    """Return whether a span's parent is remote, by its flags (OTLP's `SpanFlags`)."""
    assert span.flags & 0x100
    return bool(span.flags & 0x200)


async def test_a_request_is_one_trace(traced: Callable[..., Any], receiver: Receiver) -> None:
    """Request, operation and upstream call are spans of the trace that a browser began."""
    gateway = await traced()
    await post(gateway, READ, **SAMPLED)
    await traced.end()
    server, operation = receiver.named("POST /graphql"), receiver.named("query")
    call = receiver.named("GET /Group/{id}")
    assert {span.trace_id.hex() for span in receiver.spans} == {TRACE}
    assert server.parent_span_id.hex() == PARENT
    assert operation.parent_span_id == server.span_id
    assert call.parent_span_id == operation.span_id
    assert [is_below_another_service(span) for span in (server, operation, call)] == [
        True,
        False,
        False,
    ]
    assert receiver.resource["service.name"] == "group-gateway"


async def test_attributes(traced: Callable[..., Any], receiver: Receiver) -> None:
    """Attributes follow the semantic conventions, and hold no id, name, token or literal."""
    gateway = await traced()
    await post(gateway, READ, **SAMPLED)
    await traced.end()
    assert attributes(receiver.named("POST /graphql")) == {
        "http.request.method": "POST",
        "http.route": "/graphql",
        "http.response.status_code": 200,
    }
    assert attributes(receiver.named("query")) == {
        "graphql.operation.type": "query",
        "graphql.operation.name": "Tour",
    }
    assert attributes(receiver.named("GET /Group/{id}")) == {
        "http.request.method": "GET",
        "url.template": "/Group/{id}",
        "http.response.status_code": 200,
    }
    told = repr(receiver.spans)
    assert not [secret for secret in (ID, "Test Group", "sandbox", "{ name }") if secret in told]


async def test_the_upstream_gets_the_span_of_its_call(
    traced: Callable[..., Any], receiver: Receiver, sandbox: Any
) -> None:
    """What the upstream records hangs below the call that caused it."""
    gateway = await traced()
    await post(gateway, READ, **SAMPLED)
    await traced.end()
    call = receiver.named("GET /Group/{id}")
    [entry] = [e for e in sandbox.app.state.sandbox.requests.entries if e.path != "/metadata"]
    assert entry.headers["traceparent"] == f"00-{TRACE}-{call.span_id.hex()}-01"


async def test_a_failing_operation(
    traced: Callable[..., Any], receiver: Receiver, sandbox: Any
) -> None:
    """A failure is a code, never a message."""
    gateway = await traced(upstream_retries=0)
    sandbox.use(faults=(FaultRule(kind="status", status=500),))
    await post(gateway, READ, **SAMPLED)
    await traced.end()
    operation = receiver.named("query")
    assert attributes(operation)["error.type"] == "UPSTREAM_UNAVAILABLE"
    assert operation.status.code == 2
    assert operation.status.message == ""


async def test_a_shared_call_links_to_all_who_wait(
    traced: Callable[..., Any], receiver: Receiver
) -> None:
    """A call for two operations is a span of one trace, with a link to the other."""
    gateway = await traced()
    other = TRACE[::-1]
    await asyncio.gather(
        post(gateway, READ, **SAMPLED),
        post(gateway, READ.replace("Tour", "Other"), traceparent=f"00-{other}-{PARENT}-01"),
    )
    await traced.end()
    call = receiver.named("GET /Group/{id}")
    assert call.trace_id.hex() == TRACE
    assert [link.trace_id.hex() for link in call.links] == [other]


async def test_limits_of_spans(
    traced: Callable[..., Any], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attributes and links are limited as OpenTelemetry's variables say."""
    monkeypatch.setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3")
    monkeypatch.setenv("OTEL_SPAN_LINK_COUNT_LIMIT", "1")
    gateway = await traced()
    queries = [READ.replace("Tour", name) for name in ("Tour", "Other", "Third")]
    await asyncio.gather(*(post(gateway, query, **SAMPLED) for query in queries))
    await traced.end()
    call = receiver.named("GET /Group/{id}")
    assert (len(call.links), call.dropped_links_count) == (1, 1)
    assert attributes(call)["url.template"] == "/Gr"


async def test_who_is_not_sampled_is_passed_on(
    traced: Callable[..., Any], receiver: Receiver, sandbox: Any
) -> None:
    """A trace that its beginner does not keep reaches the upstream, and is not recorded."""
    gateway = await traced()
    await post(gateway, READ, **UNSAMPLED)
    await traced.end()
    assert receiver.spans == []
    [entry] = [e for e in sandbox.app.state.sandbox.requests.entries if e.path != "/metadata"]
    assert entry.headers["traceparent"] == UNSAMPLED["traceparent"]


@pytest.mark.parametrize(
    ("sampler", "argument", "kept"),
    [
        ("always_off", "", 0),
        ("always_on", "", 1),
        ("parentbased_always_off", "", 0),
        ("traceidratio", "0", 0),
        ("parentbased_traceidratio", "1", 1),
    ],
)
async def test_sampler(  # noqa: PLR0913, PLR0917 - a table's columns and fixtures
    sampler: str,
    argument: str,
    kept: int,
    traced: Callable[..., Any],
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A request that belongs to no trace yet is kept as the sampler says."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", argument)
    gateway = await traced()
    await post(gateway, READ)
    await traced.end()
    assert len([span for span in receiver.spans if span.name == "POST /graphql"]) == kept


async def test_redis(traced: Callable[..., Any], receiver: Receiver, tmp_path: Path) -> None:
    """What is asked of Redis is part of the trace, and no key or value is in it."""
    with redis_server(tmp_path) as server:
        gateway = await traced(cache_url=server.url)
        await post(gateway, READ, **SAMPLED)
        await traced.end()
    spans = [span for span in receiver.spans if "db.system" in attributes(span)]
    assert spans
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    assert ID not in repr(spans)
    assert "Test Group" not in repr(spans)


async def test_a_failing_redis(
    traced: Callable[..., Any], receiver: Receiver, tmp_path: Path
) -> None:
    """A failure of Redis is the name of a class in the trace, never a message."""
    with redis_server(tmp_path) as server:
        gateway = await traced(cache_url=server.url)
        async with server.client() as client:
            await client.acl_setuser("default", enabled=True, commands=["-mget"])
        await post(gateway, READ, **SAMPLED)
        await traced.end()
    failed = [span for span in receiver.spans if span.status.code == 2]
    assert {attributes(span)["error.type"] for span in failed} == {"NoPermissionError"}
    assert not [span for span in failed if span.status.message]
    assert not [span for span in receiver.spans if span.events]
