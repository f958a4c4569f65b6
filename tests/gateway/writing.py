"""What the tests of writes share: the documents, and the sandbox past the gateway."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import httpx

from every_upstream.documents import ADD, ASSIGN, REMOVE, UPDATE, change
from every_upstream.harness import Fhir
from frontdoor import opened
from group_gateway.app import create_app
from group_gateway.config import Settings
from waiting import until

__all__ = ["ADD", "ASSIGN", "CREATE", "REMOVE", "UPDATE"]

CREATE = change(
    "createGroup", "id name type active responsibilities member { entity { reference } }"
)


@asynccontextmanager
async def past(sandbox: Any) -> AsyncIterator[Fhir]:
    """Yield plain FHIR to the sandbox in process, past the gateway."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=sandbox.app, raise_app_exceptions=False),
        base_url="http://upstream.test",
        headers={"authorization": "Bearer sandbox"},
    ) as http:
        yield Fhir(http)


def patients(*names: Any) -> list[dict[str, Any]]:
    """Return members for an input: patients with these ids."""
    return [{"reference": f"Patient/{name}"} for name in names]


def members(*names: Any) -> list[dict[str, Any]]:
    """Return FHIR members: patients with these ids."""
    return [{"entity": {"reference": f"Patient/{name}", "type": "Patient"}} for name in names]


def new_group(**elements: Any) -> dict[str, Any]:
    """Return a FHIR patient group to create."""
    return {"resourceType": "Group", "type": "person", "actual": True, "name": "Made"} | elements


def told(payload: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    """Return the issues of a payload: severity, code, place in the input."""
    return [(i["severity"], i["code"], i["inputPath"]) for i in payload["issues"]]


def texts(payload: dict[str, Any]) -> list[str]:
    """Return the words of the issues of a payload."""
    return [issue["details"]["text"] for issue in payload["issues"]]


def references(group: dict[str, Any]) -> list[str]:
    """Return the references of a group's members, in FHIR's JSON or in GraphQL's."""
    return [member["entity"]["reference"] for member in group.get("member", ())]


def writes(sandbox: Any) -> list[str]:
    """Return the writes that reached the sandbox, each with its status: `PUT 412`."""
    entries = sandbox.app.state.sandbox.requests.entries
    return [f"{e.method} {e.status}" for e in entries if e.method in {"PUT", "POST"}]


def methods(sandbox: Any) -> list[str]:
    """Return the methods of the calls that reached the sandbox."""
    return [call.partition(" ")[0] for call in sandbox.calls]


async def leave(call: Coroutine[Any, Any, Any], when: Callable[[], Any]) -> None:
    """Begin a call to the gateway, and go away once something is true."""
    leaving = asyncio.create_task(call)
    await until(when)
    leaving.cancel()
    await asyncio.wait([leaving])


class Way(httpx.AsyncBaseTransport):
    """The way from a gateway to the sandbox, on which things may happen."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox = sandbox
        self._way = httpx.ASGITransport(app=sandbox.app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on."""
        response = await self._way.handle_async_request(request)
        response.request = request
        await self.answered(response)
        return response

    async def answered(self, response: httpx.Response) -> None:
        """Act between the upstream's response and its arrival."""


class Then(Way):
    """A way that changes the sandbox's quirks after its first answer to a method."""

    def __init__(self, sandbox: Any, method: str, **quirks: Any) -> None:
        super().__init__(sandbox)
        self._method = method
        self._quirks = quirks

    async def answered(self, response: httpx.Response) -> None:
        """Change the quirks, once."""
        if response.request.method == self._method:
            self._method = ""
            self.sandbox.use(**self._quirks)


def on(way: httpx.AsyncBaseTransport, **settings: Any) -> Any:
    """Run a gateway whose upstream is reached by a way of its own."""
    known = Settings(**{"upstream_url": "http://upstream.test", "cache_timeout": 10, **settings})
    return opened(create_app(known, transport=way))
