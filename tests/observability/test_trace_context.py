"""W3C Trace Context without OpenTelemetry: in, out to the upstream, and in the log."""

import logging
from typing import Any

import pytest

from group_gateway.observability.logging_config import JsonLines

QUERY = '{ group(id: "33104aa7-e3ae-4650-bdac-04bfae8365bc") { name } }'
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


async def sent_on(gateway: Any, sandbox: Any, headers: list[tuple[str, str]]) -> dict[str, str]:
    """Send a query with headers, and return those of the upstream call."""
    sandbox.forget_calls()
    all_headers = [("authorization", "Bearer sandbox"), *headers]
    await gateway.http.post("/graphql", json={"query": QUERY}, headers=all_headers)
    [entry] = [e for e in sandbox.app.state.sandbox.requests.entries if e.path != "/metadata"]
    return {k: v for k, v in entry.headers.items() if k.startswith("trace")}


async def test_context_is_passed_on(gateway: Any, sandbox: Any) -> None:
    """The upstream gets the caller's context, with the vendors' state."""
    headers = [("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")]
    assert await sent_on(gateway, sandbox, headers) == {
        "traceparent": PARENT,
        "tracestate": "a=1,b=2",
    }


@pytest.mark.parametrize(
    "state",
    [
        "junk",
        "Upper=1",
        "a=1;b=2",
        "a=b=c",
        "a =1",
        "a= ",
        "tenant@Upper=1",
        f"{'k' * 257}=1",
        f"a={'v' * 257}",
        ",".join(f"k{n}=v" for n in range(33)),
    ],
)
async def test_malformed_state(state: str, gateway: Any, sandbox: Any) -> None:
    """A vendors' state that is none is not passed on, and the context is."""
    headers = [("traceparent", PARENT), ("tracestate", state)]
    assert await sent_on(gateway, sandbox, headers) == {"traceparent": PARENT}


async def test_odd_state(gateway: Any, sandbox: Any) -> None:
    """A state may have 32 members, blanks, empty members, tenants, and any printable value."""
    members = ["0a_-*/z=!~ <x>;", "tenant@sys-tem=1", *(f"k{n}=v" for n in range(30))]
    headers = [("traceparent", PARENT), ("tracestate", " , ".join([*members, ""]))]
    assert (await sent_on(gateway, sandbox, headers))["tracestate"] == ",".join(members)


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "junk",
        PARENT.upper(),
        PARENT.replace("00-", "ff-", 1),
        PARENT + "-more",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-00f067aa0ba902b7-1",
    ],
)
async def test_malformed_context(parent: str, gateway: Any, sandbox: Any) -> None:
    """A malformed context is not passed on."""
    assert await sent_on(gateway, sandbox, [("traceparent", parent)]) == {}


async def test_context_of_a_later_version(gateway: Any, sandbox: Any) -> None:
    """Of a later version the part that this one has is passed on."""
    later = PARENT.replace("00-", "cc-", 1) + "-what-the-future-brings"
    assert await sent_on(gateway, sandbox, [("traceparent", later)]) == {"traceparent": PARENT}


async def test_two_contexts(gateway: Any, sandbox: Any) -> None:
    """Two contexts are as good as none."""
    assert await sent_on(gateway, sandbox, [("traceparent", PARENT)] * 2) == {}


async def test_no_context(gateway: Any, sandbox: Any) -> None:
    """Without a context none is generated."""
    assert await sent_on(gateway, sandbox, []) == {}


async def test_log_names_the_trace(make_gateway: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A line about a request names its trace, also where the answer was ready."""
    gateway = await make_gateway(log_requests="all")
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))

    handler = Kept()
    logging.getLogger("group_gateway").addHandler(handler)
    try:
        with caplog.at_level(logging.INFO, "group_gateway"):
            for _ in range(2):
                headers = {"authorization": "Bearer sandbox", "traceparent": PARENT}
                await gateway.http.post("/graphql", json={"query": QUERY}, headers=headers)
    finally:
        logging.getLogger("group_gateway").removeHandler(handler)
    told = [line for line in lines if "was answered" in line]
    assert len(told) == 2
    assert all(f'"trace_id":"{TRACE}"' in line for line in told)


async def test_context_by_the_hl7_interface(make_gateway: Any, sandbox: Any) -> None:
    """The upstream gets the caller's context through `/fhir/$graphql` too."""
    gateway = await make_gateway(fhir_graphql=True)
    sandbox.forget_calls()
    headers = {"authorization": "Bearer sandbox", "traceparent": PARENT}
    asked = {"query": '{ Group(id: "33104aa7-e3ae-4650-bdac-04bfae8365bc") { name } }'}
    answer = await gateway.http.post("/fhir/$graphql", json=asked, headers=headers)
    assert "errors" not in answer.json(), answer.text
    [entry] = [e for e in sandbox.app.state.sandbox.requests.entries if e.path != "/metadata"]
    assert entry.headers["traceparent"] == PARENT
