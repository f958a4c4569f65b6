"""The lists of trusted documents that real builds write, at a gateway that enforces them."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.commands import Server, ask, serving
from clients.building import compile_relay, generate, list_for_apollo, work_in
from group_gateway.sandbox.wellknown import TEST_GROUP_ID, TOKEN
from nodejs import run_node


def listed_by_codegen(packages: Path, folder: Path) -> Path:
    """Write a list by graphql-codegen, as docs/trusted-documents.md says."""
    work_in(folder, packages, packages / "operations.graphql")
    config = (packages / "codegen" / "codegen.mjs").read_text()
    preset = "presetConfig: { persistedDocuments: { hashAlgorithm: 'sha256' }, "
    (folder / "codegen.mjs").write_text(config.replace("presetConfig: { ", preset))
    generate(packages, folder)
    return folder / "gql" / "persisted-documents.json"


def listed_by_relay(packages: Path, folder: Path) -> Path:
    """Write a list by relay-compiler, as docs/trusted-documents.md says."""
    work_in(folder, packages, packages / "relay" / "app.js")
    config = json.loads((packages / "relay" / "relay.config.json").read_text())
    config["persistConfig"] = {"file": "persisted.json", "algorithm": "SHA256"}
    (folder / "persisted.json").write_text("{}")
    (folder / "relay.config.json").write_text(json.dumps(config))
    compile_relay(packages, folder)
    return folder / "persisted.json"


def listed_by_apollo(packages: Path, folder: Path) -> Path:
    """Write a list by Apollo's tool, as docs/trusted-documents.md says.

    It takes one operation from a file.
    """
    work_in(folder, packages)
    (folder / "src").mkdir()
    _, *definitions = (packages / "operations.graphql").read_text().split("\n\n")
    for number, definition in enumerate(definitions):
        (folder / "src" / f"{number}.graphql").write_text(definition)
    list_for_apollo(packages, folder)
    return folder / "persisted-query-manifest.json"


def answer(server: Server, **body: Any) -> Any:
    """Send a request, and return the decoded answer."""
    headers = {"authorization": f"Bearer {TOKEN}"}
    return ask("POST", f"{server.url}/graphql", json=body, headers=headers).json()


@pytest.mark.parametrize(
    ("listed", "operation"),
    [(listed_by_codegen, "query ReadGroup("), (listed_by_relay, "query appGroupQuery(")],
    ids=["graphql-codegen", "relay-compiler"],
)
def test_only_what_the_build_listed(
    packages: Path, tmp_path: Path, listed: Any, operation: str
) -> None:
    """A document of the list is executed by its id; a text that is not on it is refused."""
    file = listed(packages, tmp_path)
    [id] = [id for id, text in json.loads(file.read_text()).items() if operation in text]
    with serving("sandbox", "--port", "0", trusted_documents=str(file)) as server:
        found = answer(server, documentId=id, variables={"id": TEST_GROUP_ID})
        assert found["data"]["group"]["name"] == "Test Group"
        refused = answer(server, query="{ groups { totalCount } }")
        assert refused["errors"][0]["extensions"]["code"] == "UNTRUSTED_DOCUMENT"


def test_apollo_client_by_its_list(packages: Path, tmp_path: Path) -> None:
    """Apollo Client sends the ids of its list, and no text; what is not on the list is refused."""
    file = listed_by_apollo(packages, tmp_path)
    with serving("sandbox", "--port", "0", trusted_documents=str(file)) as server:
        run_node(packages / "persisted.test.mjs", f"{server.url}/graphql", str(file))
        refused = answer(server, query="{ groups { totalCount } }")
        assert refused["errors"][0]["extensions"]["code"] == "UNTRUSTED_DOCUMENT"
