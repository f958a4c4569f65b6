"""The cases of HL7's interface, by section: a query each, and what must come of it."""

import json
from pathlib import Path
from typing import Any

import pytest

CASES = [
    pytest.param(case, id=f"{path.stem}-{case['case']}")
    for path in sorted((Path(__file__).parent / "cases").glob("*.json"))
    for case in json.loads(path.read_text())
]


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("case", CASES)
async def test_case(start, server, case, compiled):
    """The answer has the data, the errors and the status of the case, compiled or not."""
    for type in ("Group", "Patient"):
        server.put({"resourceType": type, "id": "gone"})
        server.versions[f"{type}/gone"].append(None)
    fhir = await start(server, compiled=compiled, **case.get("settings", {}))
    response = await fhir.post(
        case["query"], path=case.get("path", "/fhir/$graphql"), **case.get("variables", {})
    )
    answer = response.json()
    assert [_error(error) for error in answer.get("errors", [])] == case.get("errors", [])
    assert response.status_code == case.get("status", 200)
    assert response.headers["content-type"] == "application/json; charset=utf-8"
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
