"""What the tests of writes share: the documents, and the sandbox past the gateway."""

from contextlib import asynccontextmanager
from typing import Any

import httpx

from core.documents import ADD, ASSIGN, REMOVE, UPDATE, change
from core.harness import Fhir

__all__ = ["ADD", "ASSIGN", "CREATE", "REMOVE", "UPDATE"]

CREATE = change(
    "createGroup", "id name type active responsibilities member { entity { reference } }"
)


@asynccontextmanager
async def past(sandbox: Any):
    """Give plain FHIR to the sandbox in process, past the gateway."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=sandbox.app, raise_app_exceptions=False),
        base_url="http://upstream.test",
        headers={"authorization": "Bearer sandbox"},
    ) as http:
        yield Fhir(http)


def patients(*names: Any) -> list[dict[str, Any]]:
    """Give members for an input: patients with these ids."""
    return [{"reference": f"Patient/{name}"} for name in names]


def members(*names: Any) -> list[dict[str, Any]]:
    """Give FHIR members: patients with these ids."""
    return [{"entity": {"reference": f"Patient/{name}", "type": "Patient"}} for name in names]


def new_group(**elements: Any) -> dict[str, Any]:
    """Give a FHIR patient group to create."""
    return {"resourceType": "Group", "type": "person", "actual": True, "name": "Made"} | elements


def told(payload: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    """Give the issues of a payload: severity, code, place in the input."""
    return [(i["severity"], i["code"], i["inputPath"]) for i in payload["issues"]]


def texts(payload: dict[str, Any]) -> list[str]:
    """Give the words of the issues of a payload."""
    return [issue["details"]["text"] for issue in payload["issues"]]


def references(group: dict[str, Any]) -> list[str]:
    """Give the references of a group's members, in FHIR's JSON or in GraphQL's."""
    return [member["entity"]["reference"] for member in group.get("member", ())]


def writes(sandbox: Any) -> list[str]:
    """Give the writes that reached the sandbox, each with its status: `PUT 412`."""
    entries = sandbox.app.state.sandbox.requests.entries
    return [f"{e.method} {e.status}" for e in entries if e.method in {"PUT", "POST"}]


def methods(sandbox: Any) -> list[str]:
    """Give the methods of the calls that reached the sandbox."""
    return [call.partition(" ")[0] for call in sandbox.calls]
