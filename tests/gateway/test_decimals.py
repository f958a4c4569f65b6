"""Decimals keep their digits, read and written, compiled or not."""

import json
from typing import Any

import pytest

from every_upstream.documents import change
from frontdoor import opened
from gateway.keeper import BASE, Keeper, group_of, payload_of
from group_gateway.app import create_app
from group_gateway.config import Settings

SHOW = """{ group(id: "1") { characteristic {
    valueQuantity { value } valueRange { low { value } high { amount: value } } } } }"""
SET = """mutation ($traits: [CharacteristicInput!]) {
    updateGroup(input: {id: "1", characteristic: $traits}) {
        issues { code } group { characteristic { valueQuantity { value } } } } }"""
UPDATE = change("updateGroup", "id")
NUMBERS = [
    *("1.50", "0.000", "140.0", "7", "-3", "1.5", "0.1", "12345678901234567890.123456789"),
    *("100000000000000000000", "0.30000000000000004", "-0.0", "5E-324"),
]


class Digits(Keeper):
    """A server whose numbers are texts that it writes as numbers."""

    def number(self, text: str) -> None:
        """Keep a group with this number everywhere."""
        amount = {"value": "NUMBER"}
        traits = [{"valueQuantity": amount}, {"valueRange": {"low": amount, "high": amount}}]
        self.text = json.dumps(group_of(characteristic=traits)).replace('"NUMBER"', text)


async def told(
    keeper: Keeper, query: str, *, compiled: bool, number: str = "", **variables: Any
) -> str:
    """Send a query with this text in place of "NUMBER", and return the text of the response."""
    settings = Settings(upstream_url=BASE, cache_ttl=0, compiled=compiled)
    async with opened(create_app(settings, transport=keeper)) as gateway:
        body = json.dumps({"query": query, "variables": variables}).replace('"NUMBER"', number)
        headers = {"authorization": "Bearer x", "content-type": "application/json"}
        for _ in range(2):
            answer = await gateway.http.post("/graphql", content=body, headers=headers)
        return answer.text


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("number", NUMBERS)
async def test_a_number_is_shown_with_its_digits(number: str, *, compiled: bool):
    """Whichever way a query is run, the number is the upstream's, digit by digit."""
    keeper = Digits(group_of())
    keeper.number(number)
    text = await told(keeper, SHOW, compiled=compiled)
    shown = json.loads(text, parse_float=str, parse_int=str)["data"]["group"]["characteristic"]
    assert shown[0]["valueQuantity"]["value"] == number
    assert shown[1]["valueRange"] == {"low": {"value": number}, "high": {"amount": number}}


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("number", ['"1.5"', "true", "1e400", "[1]", "{}"])
async def test_what_is_no_number_is_broken(number: str, *, compiled: bool):
    """A text is no number, nor is one that no reader of JSON can hold."""
    keeper = Digits(group_of())
    keeper.number(number)
    answer = json.loads(await told(keeper, SHOW, compiled=compiled))
    assert answer["data"]["group"]["characteristic"][0] == {
        "valueQuantity": {"value": None},
        "valueRange": None,
    }
    assert {error["message"] for error in answer["errors"]} == {
        "The upstream sent a broken `value`."
    }


@pytest.mark.parametrize("form", ["number", "text", "literal"])
@pytest.mark.parametrize("number", ["1.50", "140.0", "0.000", "7", "12345678901234567890.50"])
async def test_a_number_is_written_with_its_digits(number: str, form: str):
    """As a variable, as a text for clients whose numbers lose zeros, and in the document."""
    keeper = Keeper(group_of(), etag=True)
    trait = {"code": {"text": "x"}, "valueQuantity": {"value": "NUMBER"}}
    if form == "literal":
        traits = '[{code: {text: "x"}, valueQuantity: {value: NUMBER}}]'.replace("NUMBER", number)
        query = SET.replace("($traits: [CharacteristicInput!])", "").replace("$traits", traits)
        text = await told(keeper, query, compiled=True)
    else:
        sent = number if form == "number" else f'"{number}"'
        text = await told(keeper, SET, compiled=True, traits=[trait], number=sent)
    payload = json.loads(text, parse_float=str, parse_int=str)["data"]["updateGroup"]
    assert payload["issues"] == []
    assert payload["group"]["characteristic"][0]["valueQuantity"]["value"] == number
    assert f'"value":{number}' in keeper.text.replace(" ", "")


@pytest.mark.parametrize("number", ['"x"', '"NaN"', '" 1"', "true", '"1_0"', '""'])
async def test_what_is_no_decimal_is_refused(number: str):
    """The document's error says where."""
    trait = {"code": {"text": "x"}, "valueQuantity": {"value": "NUMBER"}}
    keeper = Keeper(group_of(), etag=True)
    text = await told(keeper, SET, compiled=True, traits=[trait], number=number)
    assert "Not a decimal" in text
    assert keeper.calls() == []


async def test_digits_that_say_more_replace_those_that_are_there():
    """1.50 over 1.5 is a change; 1.5 over 1.50 is what a client made of it, and none."""
    keeper = Digits(group_of(), etag=True)
    code = {"text": "x"}
    for stored, sent, kept in (("1.5", "1.50", "1.50"), ("1.50", "1.5", "1.50")):
        group = group_of(characteristic=[{"code": code, "valueQuantity": {"value": "N"}}])
        keeper.text = json.dumps(group).replace('"N"', stored)
        trait = {"code": code, "valueQuantity": {"value": "NUMBER"}}
        await told(keeper, SET, compiled=True, traits=[trait], number=sent)
        assert f'"value": {kept}' in keeper.text.replace('":', '": ').replace("  ", " ")


ODD_NUMBERS = ["0.00000010", "1e400", "1E+2", "-0.00", "1.10", "3e-9", "123456789012345678901.50"]


@pytest.mark.parametrize("number", ODD_NUMBERS)
async def test_a_number_that_nobody_asked_about_stays_as_it_is_written(number: str):
    """Wherever it stands: its digits, and its exponent, go back as they came."""
    keeper = Keeper(group_of(), etag=True, echo="full")
    value = {"url": "u", "valueDecimal": "NUMBER"}
    member = {"entity": {"reference": "Patient/1"}, "extension": [value]}
    group = group_of(extension=[{"url": "e", "extension": [value]}], member=[member])
    keeper.text = json.dumps(group).replace('"NUMBER"', number)
    assert (await payload_of(keeper, UPDATE, id="1", name="New"))["issues"] == []
    assert json.loads(keeper.text, parse_float=str) == json.loads(
        json.dumps(group | {"name": "New"}).replace("NUMBER", number)
    )


async def test_digits_that_the_server_drops_are_told():
    """A server that stores 1.5 for 1.50 has changed what the number says."""
    keeper = Keeper(group_of(), etag=True, echo="full", computes=_rounding)
    trait = {"code": {"text": "x"}, "valueQuantity": {"value": "N"}}
    keeper.text = json.dumps(group_of(characteristic=[trait])).replace('"N"', "1.50")
    [issue] = (await payload_of(keeper, UPDATE, id="1", name="New"))["issues"]
    assert issue["code"] == "incomplete"
    assert issue["details"]["text"].startswith("`characteristic.valueQuantity.value` has fewer")


def _rounding(group: dict[str, Any]) -> dict[str, Any]:
    """Store numbers as floats, as JavaScript does."""
    rounded: dict[str, Any] = json.loads(json.dumps(group).replace('"1.50"', "1.5"))
    return rounded
