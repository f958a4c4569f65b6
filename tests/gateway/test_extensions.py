"""Extensions are shown: a hidden modifier extension would mislead."""

import json
from typing import Any

import pytest

from frontdoor import opened
from gateway.keeper import BASE, Keeper, group_of
from group_gateway.app import create_app
from group_gateway.config import Settings

SHOW = """fragment X on FhirExtension { url value extension { url value extension { url } } }
{ group(id: "1") {
    extension { ...X } modifierExtension { ...X }
    member { extension { ...X } modifierExtension { url } }
    characteristic { extension { ...X } modifierExtension { url value } }
    meta { source profile security { code } tag { system code display } }
} }"""
NESTED = {"url": "race", "extension": [{"url": "code", "valueCoding": {"code": "c"}}]}


async def shown(group: dict[str, Any] | str, *, compiled: bool = True) -> Any:
    """Return the whole answer for a group, given as elements or as JSON text."""
    keeper = Keeper(group_of())
    keeper.text = group if isinstance(group, str) else json.dumps(group)
    settings = Settings(upstream_url=BASE, cache_ttl=0, compiled=compiled)
    async with opened(create_app(settings, transport=keeper)) as gateway:
        response = await gateway.http.post(
            "/graphql", json={"query": SHOW}, headers={"authorization": "Bearer x"}
        )
        return json.loads(response.text, parse_float=str)


@pytest.mark.parametrize("compiled", [True, False])
async def test_extensions_of_a_group_and_its_parts(*, compiled: bool):
    """Of the group, its members and its traits; nested, and with a value of any type."""
    code = {"code": "deidentified", "system": "s"}
    answer = await shown(
        group_of(
            extension=[NESTED, {"url": "flag", "valueBoolean": False}],
            modifierExtension=[{"url": "not", "valueCode": "refuted"}],
            member=[{"entity": {"reference": "Patient/1"}, "extension": [{"url": "role"}]}],
            characteristic=[{"code": {"text": "x"}, "modifierExtension": [{"url": "m"}]}],
            meta={"source": "s", "profile": ["p"], "security": [code], "tag": [code]},
        ),
        compiled=compiled,
    )
    assert "errors" not in answer
    group = answer["data"]["group"]
    inner = {"url": "code", "value": {"code": "c"}, "extension": []}
    assert group["extension"] == [
        {"url": "race", "value": None, "extension": [inner]},
        {"url": "flag", "value": False, "extension": []},
    ]
    assert group["modifierExtension"] == [{"url": "not", "value": "refuted", "extension": []}]
    [member] = group["member"]
    assert member["extension"] == [{"url": "role", "value": None, "extension": []}]
    assert member["modifierExtension"] == []
    assert group["characteristic"][0]["modifierExtension"] == [{"url": "m", "value": None}]
    assert group["meta"] == {
        "source": "s",
        "profile": ["p"],
        "security": [{"code": "deidentified"}],
        "tag": [{"system": "s", "code": "deidentified", "display": None}],
    }


async def test_the_digits_of_a_value():
    """A decimal inside a value keeps them too."""
    text = json.dumps(group_of(extension=[{"url": "x", "valueDecimal": "NUMBER"}]))
    group = (await shown(text.replace('"NUMBER"', "1.50")))["data"]["group"]
    assert group["extension"] == [{"url": "x", "value": "1.50", "extension": []}]


@pytest.mark.parametrize("broken", [{"valueString": "x"}, {"url": 5}])
async def test_an_extension_without_a_url_is_reported(broken: dict[str, Any]):
    """It is shown all the same, beside an error that says what is missing."""
    answer = await shown(group_of(extension=[broken]))
    assert answer["data"]["group"]["extension"][0]["url"] == ""
    [error] = answer["errors"]
    assert error["path"] == ["group", "extension", 0, "url"]
