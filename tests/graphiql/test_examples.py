"""The examples that GraphiQL opens with, sent to the gateway as the page sends them."""

import json
from pathlib import Path

import httpx
import pytest
from graphql import OperationDefinitionNode, OperationType, parse

EXAMPLES = sorted(Path(__file__).parents[2].glob("src/graphiql/examples/*.graphql"))


FHIR_EXAMPLES = sorted(Path(__file__).parents[2].glob("src/graphiql/examples/fhir/*.graphql"))


@pytest.mark.parametrize("example", FHIR_EXAMPLES, ids=lambda example: example.stem)
def test_an_example_of_hl7s_interface_works(address: str, example: Path) -> None:
    """Every operation answers with data, and its variables fit."""
    variables = json.loads(example.with_suffix(".json").read_text())
    asked = {"query": example.read_text(), "variables": variables}
    headers = {"Authorization": "Bearer sandbox"}
    url = httpx.URL(address).join("/fhir/$graphql")
    answer = httpx.post(url, json=asked, headers=headers, timeout=60).json()
    assert "errors" not in answer
    assert all(answer["data"].values())


@pytest.mark.parametrize("time", ["first", "second"])
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_works_as_it_stands(address: str, example: Path, time: str) -> None:
    """Every operation answers with data, or begins to, and its variables fit; every time."""
    query, variables = example.read_text(), json.loads(example.with_suffix(".json").read_text())
    for operation in parse(query).definitions:
        assert isinstance(operation, OperationDefinitionNode)
        assert operation.name
        asked = {"query": query, "variables": variables, "operationName": operation.name.value}
        headers = {"Authorization": "Bearer sandbox"}
        if operation.operation is OperationType.SUBSCRIPTION:
            headers["Accept"] = "text/event-stream"
            with httpx.stream("POST", address, json=asked, headers=headers, timeout=60) as stream:
                assert next(stream.iter_lines()) == ":"
            continue
        answer = httpx.post(address, json=asked, headers=headers, timeout=60).json()
        assert "errors" not in answer
        assert all(answer["data"].values()), time
        issues = [each for payload in answer["data"].values() for each in payload.get("issues", [])]
        assert {issue["severity"] for issue in issues} <= {"INFORMATION"}
