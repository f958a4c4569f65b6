"""Spans hold nothing that may name a patient, whatever clients and upstreams put where."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.answering import Answering, page
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from observability.conftest import Receiver, attributes

SECRET = "cf10ff9d14d0429cb5bb7040611d1a24"
LIST = "{ groups(first: 50) { nodes { id } } }"


async def post(gateway: Any, query: str, path: str = "/graphql", **headers: str) -> Any:
    """Send a query to a path."""
    headers = {"authorization": "Bearer sandbox", **headers}
    return (await gateway.http.post(path, json={"query": query}, headers=headers)).json()


@pytest.mark.parametrize(
    "path",
    [
        f"Group/__page/{SECRET}",
        f"Group/{SECRET}/_history/{SECRET}",
        f"{SECRET}",
        f"_snapshot/{SECRET}",
        f"page/{SECRET}/2",
        f"Group/_search/{SECRET}/more/{SECRET}",
        f"Group?_getpages={SECRET}",
        f"?_getpages={SECRET}",
    ],
)
async def test_links_of_the_upstream(
    traced: Callable[..., Any], receiver: Receiver, path: str
) -> None:
    """A page's path and query are the upstream's own, and may hold anything."""

    def search(target: str) -> Any:
        return page("b") if SECRET in target else page("a", onward=f"/fhir/{path}")

    upstream = Answering(search, base="/fhir")
    gateway = await traced(upstream, upstream_url="http://upstream.test/fhir")
    answer = await post(gateway, LIST)
    assert [node["id"] for node in answer["data"]["groups"]["nodes"]] == ["a", "b"]
    await traced.end()
    assert SECRET in "".join(upstream.calls)
    assert SECRET not in repr(receiver.spans)
    assert len([span for span in receiver.spans if span.name.startswith("GET ")]) == 2


@pytest.mark.parametrize(
    ("name", "is_told"),
    [
        ("GroupOfTheDay", True),
        ("Page2", True),
        ("Added_Feedback_v12", True),
        (f"Patient_{SECRET}", False),
        ("Born19700101", False),
        ("Mrn4711", False),
        ("Id_a1b2c3d4", False),
    ],
)
async def test_names_of_operations(
    traced: Callable[..., Any], receiver: Receiver, name: str, *, is_told: bool
) -> None:
    """An operation name is recorded, unless it looks as if it were generated from data."""
    gateway = await traced()
    answer = await post(gateway, f'query {name} {{ group(id: "{TEST_GROUP_ID}") {{ id }} }}')
    assert answer["data"]["group"]["id"] == TEST_GROUP_ID
    await traced.end()
    told = attributes(receiver.named("query")).get("graphql.operation.name")
    assert told == (name if is_told else None)
    assert is_told or name not in repr(receiver.spans)


@pytest.mark.parametrize(
    "query",
    [
        f'{{ a{SECRET}: group(id: "{TEST_GROUP_ID}") {{ id }} }}',
        f'# {SECRET}\n{{ group(id: "{SECRET}") {{ name }} }}',
        f'query ($id: ID = "{SECRET}") {{ group(id: $id) {{ name }} }}',
        f'{{ groups(filter: {{ name: {{ equals: "{SECRET}" }} }}) {{ nodes {{ id }} }} }}',
        f'{{ group(id: "{TEST_GROUP_ID}") {{ {SECRET} }} }}',
        f"query {{ {SECRET}",
    ],
)
async def test_texts_of_queries(traced: Callable[..., Any], receiver: Receiver, query: str) -> None:
    """Aliases, literals, comments, defaults, and what is wrong are in no span."""
    gateway = await traced()
    await post(gateway, query)
    await traced.end()
    assert receiver.spans
    assert SECRET not in repr(receiver.spans)
    assert TEST_GROUP_ID not in repr(receiver.spans)


async def test_the_hl7_interface(traced: Callable[..., Any], receiver: Receiver) -> None:
    """Its requests are spans too, by templates of their paths."""
    gateway = await traced(fhir_graphql=True)
    asked = f"/fhir/Group/{TEST_GROUP_ID}/$graphql"
    answer = await post(gateway, "{ name }", asked)
    assert answer["data"] == {"name": "Test Group"}
    await post(gateway, "{ name }", f"/fhir/{SECRET}")
    await post(gateway, "{ none }", asked)
    await traced.end()
    server, _ = [span for span in receiver.spans if span.name.endswith("$graphql")]
    [operation] = [span for span in receiver.spans if span.name == "query"]
    assert server.name == "POST /fhir/{type}/{id}/$graphql"
    assert operation.parent_span_id == server.span_id
    assert receiver.named("GET /Group/{id}").parent_span_id == operation.span_id
    assert attributes(receiver.named("POST /fhir/{path}"))["http.response.status_code"] == 404
    told = repr(receiver.spans)
    assert not [secret for secret in (SECRET, TEST_GROUP_ID, "Test Group") if secret in told]


@pytest.mark.parametrize("state", ["a=b,,c", "=", "x" * 600, "Patient=1,patient=1", "\x01=1"])
async def test_odd_states(traced: Callable[..., Any], receiver: Receiver, state: str) -> None:
    """A vendor's state that is malformed ends no request."""
    gateway = await traced()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "tracestate": state}
    answer = await post(gateway, f'{{ group(id: "{TEST_GROUP_ID}") {{ id }} }}', **headers)
    assert answer["data"]["group"]["id"] == TEST_GROUP_ID
    await traced.end()
    assert {span.trace_id.hex() for span in receiver.spans} == {trace}
