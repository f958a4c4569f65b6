"""The cases of HL7's interface, by section: a request each, and what must come of it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhir_graphql.conftest import GRAPHQL, FhirGateway
from fhir_graphql.memory_server import MemoryServer

HERE = Path(__file__).parent
SECTIONS = sorted((HERE / "cases").glob("*.json"))
RESOURCES = HERE / "resources.json"
JSON = "application/json; charset=utf-8"


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("path", SECTIONS, ids=lambda path: path.stem)
async def test_section(start, subtests, path, compiled):
    """Each answer has the data, the errors, the status and the headers of its case."""
    shared: dict[str, FhirGateway] = {}
    for case in json.loads(path.read_text()):
        with subtests.test(case["case"]):
            fhir = await _gateway(start, case, shared, compiled)
            _check(case, await _answered(fhir, case))


async def _gateway(
    start: Callable[..., Any],
    case: dict[str, Any],
    shared: dict[str, FhirGateway],
    compiled: bool,  # noqa: FBT001 - a parameter of the test
) -> FhirGateway:
    """Return a gateway for a case: a new one where it writes, else one of its settings."""
    settings = case.get("settings", {})
    name = json.dumps([settings, case.get("resources")])
    if name not in shared or "mutation" in json.dumps(case):
        server = MemoryServer()
        for file in (RESOURCES, *[HERE / name for name in [case.get("resources")] if name]):
            server.load(file.read_text())
        for type in ("Group", "Patient"):
            server.put({"resourceType": type, "id": "gone"})
            server.versions[f"{type}/gone"].append(None)
        shared[name] = await start(server, compiled=compiled, **settings)
    return shared[name]


async def _answered(fhir: FhirGateway, case: dict[str, Any]) -> httpx.Response:
    path = case.get("path", GRAPHQL)
    if "query" in case:
        return await fhir.post(case["query"], path=path, **case.get("variables", {}))
    asked = case["request"]
    headers = {"authorization": "Bearer t", **asked.get("headers", {})}
    return await fhir.http.request(
        asked.get("method", "GET"),
        path,
        params=asked.get("params"),
        content=asked.get("body"),
        headers={name: value for name, value in headers.items() if value is not None},
    )


def _check(case: dict[str, Any], response: httpx.Response) -> None:
    assert response.status_code == case.get("status", 200)
    expected = {"content-type": JSON, **case.get("headers", {})}
    assert {name: response.headers.get(name) for name in expected} == expected
    answer = response.json() if response.content else {}
    assert [_error(error) for error in answer.get("errors", [])] == case.get("errors", [])
    if "raw" in case:
        assert case["raw"] in response.text
    else:
        assert answer.get("data") == case.get("data")


def _error(error: Any) -> list[str | None]:
    """Return path, code and issue of an error, whose outcome says what its message does."""
    outcome = error["extensions"]["resource"]
    assert outcome["resourceType"] == "OperationOutcome"
    [issue] = outcome["issue"]
    assert issue["severity"] == "error"
    assert issue["diagnostics"] == issue["details"]["text"] == error["message"]
    path = ".".join(map(str, error["path"])) if "path" in error else None
    return [path, error["extensions"]["code"], issue["code"]]
