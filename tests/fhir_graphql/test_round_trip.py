"""What `Group` returns can be given back: random groups with every element and its extensions."""

import json
import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from fhir_graphql.conftest import GRAPHQL, FhirGateway
from fhir_graphql.memory_server import MemoryServer
from group_gateway.fhir_graphql.model import Element, load_model

HEADERS = {"authorization": "Bearer t", "content-type": "application/json"}
UPDATE = """mutation($res: GroupInput) {
  GroupUpdate(id: "random", res: $res) { meta { versionId } } }"""
VALUES = {
    "base64Binary": ["aGk="],
    "boolean": [True, False],
    "canonical": ["http://example.org/x|1"],
    "code": ["x", "two words"],
    "date": ["2026", "2026-11-28"],
    "dateTime": ["2026-11", "2026-11-28T10:00:00.123+01:00"],
    "decimal": [Decimal("1.50"), Decimal("-0.010"), Decimal("1E+3"), 7],
    "id": ["an-id"],
    "instant": ["2026-11-28T10:00:00Z"],
    "integer": [-1, 0, 2**31 - 1],
    "markdown": ["*a*\n\n| b |"],
    "oid": ["urn:oid:1.2.3"],
    "positiveInt": [1],
    "string": ['é "quoted" \\ 😀', " "],
    "time": ["10:00:00"],
    "unsignedInt": [0, 3],
    "uri": ["urn:x", "http://example.org/a?b=c#d"],
    "url": ["http://example.org"],
    "uuid": ["urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"],
    "xhtml": ['<div xmlns="http://www.w3.org/1999/xhtml">é</div>'],
}
CHOICES = ("value", "allowed", "asNeeded", "author", "dose", "rate", "timing", "subject")
_encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


class Draw:
    """Draws values of FHIR's types by the model, and the selections that show them."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._types = load_model().types

    def object(self, type: str, depth: int) -> dict[str, Any]:
        """Draw an object with some of its elements."""
        found: dict[str, Any] = {}
        taken: set[str] = set()
        elements = list(self._types[type].values())
        for element in self._chance.sample(elements, len(elements)):
            choice = next((c for c in CHOICES if element.name.startswith(c)), element.name)
            if choice not in taken and self._chance.random() < (0.5 if depth else 0.15):
                self._add(found, element, depth)
                taken |= {choice} if element.name in found else set()
        return found or {"id": "only"}

    def _add(self, found: dict[str, Any], element: Element, depth: int) -> None:
        if element.type == "Resource":
            found["contained"] = [{"resourceType": "Organization", "id": "c1", "name": "Inner"}]
        elif element.is_primitive:
            self._add_primitive(found, element, depth)
        elif depth:
            count = self._chance.randint(1, 3) if element.repeats else 1
            items = [self.object(element.type, depth - 1) for _ in range(count)]
            found[element.name] = items if element.repeats else items[0]

    def _add_primitive(self, found: dict[str, Any], element: Element, depth: int) -> None:
        count = self._chance.randint(1, 3) if element.repeats else 1
        values = [self._chance.choice(VALUES[element.type]) for _ in range(count)]
        found[element.name] = values if element.repeats else values[0]
        if depth and not element.is_id and self._chance.random() < 0.5:
            beside = [self._sibling() for _ in range(count)]
            if any(beside):
                found[f"_{element.name}"] = beside if element.repeats else beside[0]

    def _sibling(self) -> dict[str, Any] | None:
        extension = [{"url": "urn:s", "valueDecimal": Decimal("2.0")}]
        return self._chance.choice([None, {"id": "s"}, {"id": "t", "extension": extension}])

    def selection(self, *values: Any) -> str:
        """Return the fields that show all that these objects have."""
        below: dict[str, list[Any]] = {}
        for value in values:
            for name, item in value.items():
                items = item if isinstance(item, list) else [item]
                below.setdefault(name, []).extend(i for i in items if isinstance(i, dict))
        return " ".join(
            f"{name} {{ {self.selection(*items)} }}" if items else name
            for name, items in below.items()
        )


async def _given_back(fhir: FhirGateway, draw: Draw, **changes: Any) -> None:
    """Read the random group whole, and return it back."""
    stored = fhir.server.now("Group/random")
    response = await fhir.post(f"{{ Group(id: random) {{ {draw.selection(stored)} }} }}")
    answer = json.loads(response.text, parse_float=Decimal)
    assert "errors" not in answer, answer["errors"]
    resource = {**answer["data"]["Group"], **changes}
    body = _encode({"query": UPDATE, "variables": {"res": resource}})
    response = await fhir.http.post(GRAPHQL, content=body, headers=HEADERS)
    assert response.status_code == 200, response.text
    assert response.json().keys() == {"data"}, response.text


@pytest.fixture(params=range(20))
async def drawn(start, request):
    """Return a gateway on a random group, and what drew it."""
    draw = Draw(random.Random(request.param))  # noqa: S311 - test data
    server = MemoryServer()
    group = draw.object("Group", 4)
    group.pop("implicitRules", None)
    meta = {
        "tag": [{"system": "s", "code": "c", "extension": [{"url": "u", "valueCode": "x"}]}],
        "profile": ["urn:a", "urn:b"],
        "_profile": [None, {"id": "b"}],
    }
    fixed = {"resourceType": "Group", "id": "random", "type": "person", "actual": True}
    members = [m for m in group.pop("member", []) if "entity" in m]
    for member in members:
        member["entity"]["reference"] = "Patient/p1"
    server.put({**group, **fixed, "meta": meta, **({"member": members} if members else {})})
    fhir = await start(server, query_fields=5_000, query_tokens=20_000, query_depth=40)
    return fhir, draw


async def test_given_back_as_it_is(drawn):
    """A group that is sent back unchanged is not written at all."""
    fhir, draw = drawn
    await _given_back(fhir, draw)
    assert len(fhir.server.versions["Group/random"]) == 1


async def test_given_back_with_one_change(drawn):
    """A group that is sent back with another flag differs in that alone, byte for byte."""
    fhir, draw = drawn
    before = dict(fhir.server.now("Group/random"))
    await _given_back(fhir, draw, active=not before.get("active", False))
    [_, after] = fhir.server.versions["Group/random"]
    changed = {"active": not before.get("active", False), "meta": after["meta"]}
    assert _encode(after) == _encode({**before, **changed})
    shown = {name: value for name, value in after["meta"].items() if name != "versionId"}
    assert _encode({**shown, "versionId": "1"}) == _encode(before["meta"])
