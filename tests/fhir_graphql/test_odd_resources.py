"""What servers send that is not as FHIR says: an error in its place, without data in its text."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from fhir_graphql.memory_server import MemoryServer
from frontdoor import opened
from group_gateway.app import create_app
from group_gateway.config import Settings

SECRET = "Secret Name"


def group(elements: str) -> str:
    """Return the JSON of a group."""
    return f'{{"resourceType":"Group","id":"odd",{elements}}}'


@pytest.fixture
def odd() -> Callable[..., Any]:
    """Return a function that asks for a group whose JSON is as given."""

    async def ask(text: str, selection: str) -> httpx.Response:
        server = MemoryServer().app()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            known = scope.get("path") == "/Group/odd"
            answer = Response(text, media_type="application/fhir+json") if known else server
            await answer(scope, receive, send)

        settings = Settings(upstream_url="http://upstream.test", fhir_graphql=True)
        gateway = create_app(settings, transport=httpx.ASGITransport(app=app))
        async with opened(gateway) as opened_gateway:
            return await opened_gateway.http.post(
                "/fhir/$graphql",
                json={"query": f"{{Group(id: odd){{id {selection}}}}}"},
                headers={"authorization": "Bearer t"},
            )

    return ask


@pytest.mark.parametrize(
    ("elements", "selection"),
    [
        (f'"member":{{"entity":{{"display":"{SECRET}"}}}}', "member{id}"),
        (f'"active":"{SECRET}"', "active"),
        (f'"quantity":"{SECRET}"', "quantity"),
        (f'"type":["{SECRET}"]', "type"),
        (f'"code":"{SECRET}"', "code{text}"),
        (f'"characteristic":["{SECRET}"]', "characteristic{id}"),
        (f'"identifier":["{SECRET}"]', 'identifier(fhirpath: "use"){value}'),
        (f'"extension":[{{"valueDecimal":"{SECRET}"}}]', "extension{valueDecimal}"),
        (f'"_name":"{SECRET}"', "_name{id}"),
        (f'"contained":["{SECRET}"]', "contained{id}"),
        (f'"managingEntity":{{"reference":["{SECRET}"]}}', "managingEntity{resource{id}}"),
    ],
)
async def test_broken_elements(odd, elements, selection):
    """A broken element is an error at its field; the rest is shown, and its value nowhere."""
    response = await odd(group(elements), selection)
    answer = response.json()
    assert answer["data"]["Group"]["id"] == "odd"
    assert {e["extensions"]["code"] for e in answer["errors"]} == {"UPSTREAM_INVALID_RESPONSE"}
    assert SECRET not in response.text


@pytest.mark.parametrize(
    "text",
    [
        group('"name":"a\\ud83d"'),
        group('"extension":' + "[" * 100_000 + "]" * 100_000),
        '{"resourceType":"Patient","id":"odd"}',
        '{"resourceType":"Group","id":"other"}',
        "null",
        "<html>",
    ],
)
async def test_what_can_not_be_read(odd, text):
    """What is no group at all is an error of the root field."""
    answer = (await odd(text, "name")).json()
    assert answer["data"] == {"Group": None}
    assert answer["errors"][0]["extensions"]["code"] == "UPSTREAM_INVALID_RESPONSE"


@pytest.mark.parametrize(
    "digits", ["1E+400", "-0.000", "12345678901234567890.10", "1" * 5000, "1.50", "100", "0.1e-7"]
)
async def test_numbers_of_any_size(odd, digits):
    """Decimals keep their digits, however many they are."""
    elements = f'"extension":[{{"valueDecimal":{digits}}}]'
    response = await odd(group(elements), "extension{valueDecimal}")
    shown = json.loads(response.text, parse_float=str, parse_int=str)
    value = shown["data"]["Group"]["extension"][0]["valueDecimal"]
    assert value == {"0.1e-7": "1E-8"}.get(digits, digits)


async def test_deep_extensions(odd):
    """Extensions within extensions are shown as deep as an operation may ask."""
    deep = '[{"extension":' * 300 + "[]" + "}]" * 300
    answer = (await odd(group(f'"extension":{deep}'), "extension{extension{extension{id}}}")).json()
    assert answer["data"]["Group"]["extension"] == [{"extension": [{"extension": [{"id": None}]}]}]


@pytest.mark.parametrize(
    "document",
    [
        "{" + "Group(id: a){member{entity{resource" * 30 + "{id}" + "}}}" * 30 + "}",
        "{" + " ".join(f"a{n}: Group(id: a){{id}}" for n in range(600)) + "}",
        "{Group(id: a){member{entity{"
        + " ".join(f"r{n}: resource{{name{{family}}}}" for n in range(600))
        + "}}}}",
        "{Group(id: a){...F}} fragment F on Group{...F}",
        '{Group(id: a){member(fhirpath: "' + "(" * 240 + "1" + ")" * 240 + '"){id}}}',
        '{Group(id: a){member(fhirpath: "' + "a" * 501 + '"){id}}}',
    ],
)
async def test_documents_that_ask_too_much(start, document):
    """Documents are bounded, also those that grow when they are rewritten."""
    server = MemoryServer()
    server.put({"resourceType": "Group", "id": "a", "member": [{"entity": {}}]})
    fhir = await start(server)
    response = await fhir.post(document)
    assert response.json()["errors"][0]["extensions"]["resource"]["issue"][0]["severity"] == "error"


async def test_expressions_share_a_budget(start):
    """All FHIRPath expressions of an operation together are bounded in what they compute."""
    server = MemoryServer()
    traits = [{"code": {"coding": [{"code": str(n)} for n in range(100)]}} for _ in range(100)]
    server.put({"resourceType": "Group", "id": "a", "characteristic": traits})
    fhir = await start(server)
    heavy = "code.coding.select(code | code | code).distinct().exists()"
    fields = " ".join(f'c{n}: characteristic(fhirpath: "{heavy}"){{id}}' for n in range(20))
    answer = (await fhir.post(f"{{Group(id: a){{{fields}}}}}")).json()
    assert any("too many steps" in error["message"] for error in answer["errors"])


async def test_one_broken_group_of_a_list(start):
    """A list shows the groups that can be read, and an error in the place of the other."""
    server = MemoryServer()
    server.put({"resourceType": "Group", "id": "a", "name": "A"})
    server.put({"resourceType": "Group", "id": "b", "type": ["x"], "name": "B"})
    fhir = await start(server)
    answer = (await fhir.post("{GroupList{id type}}")).json()
    assert answer["data"] == {"GroupList": [{"id": "a", "type": None}, {"id": "b", "type": None}]}
    assert [error["path"] for error in answer["errors"]] == [["GroupList", 1, "type"]]
