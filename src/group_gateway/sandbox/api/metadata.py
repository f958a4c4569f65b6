"""`GET /metadata`: the CapabilityStatement, which needs no token."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from group_gateway.sandbox import codec
from group_gateway.sandbox.api.group_search import member_parameter
from group_gateway.sandbox.data.directory import kinds
from group_gateway.sandbox.outcome import FHIR_JSON
from group_gateway.sandbox.quirks import Quirks
from group_gateway.sandbox.state import sandbox_of


async def metadata(request: Request) -> Response:
    """Return the CapabilityStatement."""
    sandbox = sandbox_of(request)
    started = datetime.fromtimestamp(sandbox.started, UTC).isoformat(timespec="seconds")
    statement = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": started,
        "kind": "instance",
        "software": {"name": "group-gateway sandbox"},
        "implementation": {"description": "A sandbox FHIR server for groups"},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(),
                "resource": [_group(sandbox.quirks), *map(_other, kinds())],
            }
        ],
    }
    return Response(codec.encode(statement), media_type=FHIR_JSON)


def _security() -> dict[str, Any]:
    system = "http://terminology.hl7.org/CodeSystem/restful-security-service"
    return {"service": [{"coding": [{"system": system, "code": "OAuth"}]}]}


def _other(kind: str) -> dict[str, Any]:
    return {
        "type": kind,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [{"name": "_id", "type": "token"}],
    }


def _group(quirks: Quirks) -> dict[str, Any]:
    interactions = ["read", "search-type", "create", "update"]
    if quirks.deletes:
        interactions.append("delete")
    return {
        "type": "Group",
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned-update" if quirks.etag else "no-version",
        "updateCreate": False,
        "searchParam": [
            {"name": "_id", "type": "token"},
            {"name": member_parameter(quirks), "type": "reference"},
            {"name": "type", "type": "token"},
        ],
    }
