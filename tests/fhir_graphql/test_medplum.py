"""Medplum's GraphQL and ours: the same questions about the same resources, side by side."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from nodejs import NODE, install_packages

HERE = Path(__file__).parent
MEDPLUM = HERE.parent / "upstreams" / "medplum"
RESOURCES = json.loads((HERE / "resources.json").read_text())
COMPARED = json.loads((HERE / "medplum.json").read_text())
AGREEING: Sequence[str] = COMPARED["agreeing"]
DIFFERING: Sequence[dict[str, Any]] = COMPARED["differing"]


@pytest.fixture(scope="module")
def peer() -> dict[str, Any]:
    """Return Medplum's answers by question."""
    install_packages(MEDPLUM)
    questions = [*AGREEING, *(case["query"] for case in DIFFERING)]
    done = subprocess.run(
        (str(NODE), str(MEDPLUM / "graphql.js")),
        input=json.dumps({"resources": RESOURCES, "questions": questions}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(zip(questions, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("query", AGREEING)
async def test_agreement(fhir, server, peer, query):
    """Where both follow HL7's page, both have the same data, and errors at the same paths."""
    server.applies |= {"_sort"}
    assert _comparable((await fhir.post(query)).json()) == _comparable(peer[query])


@pytest.mark.parametrize("case", DIFFERING, ids=lambda case: case["why"])
async def test_difference(fhir, peer, case):
    """Where Medplum leaves the page, the documentation says how, and we don't."""
    assert _comparable((await fhir.post(case["query"])).json()) == case["ours"]
    assert _comparable(peer[case["query"]]) == case["medplum"]
    assert case["why"] in (HERE.parents[1] / "docs" / "fhir-graphql.md").read_text()


def _comparable(answer: Any) -> dict[str, Any]:
    """Return the data of an answer, and where its errors are: their words are each server's own."""
    errors = answer.get("errors", ())
    paths = [".".join(map(str, error["path"])) if "path" in error else None for error in errors]
    return {"data": answer.get("data"), "errors": paths}
