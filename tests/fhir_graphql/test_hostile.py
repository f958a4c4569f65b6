"""Hostile requests to HL7's interface: a clean error each, in time, and nothing upstream by it."""

import json
import random
from typing import Any

import httpx
import pytest

HEADERS = {"authorization": "Bearer t", "content-type": "application/json"}
GRAPHQL = "/fhir/$graphql"
DEEP = 3_000


def check(response: httpx.Response) -> list[Any]:
    """Check that an answer is a clean one; return its errors."""
    assert response.status_code < 500, response.text[:500]
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    errors: list[Any] = response.json().get("errors", [])
    for error in errors:
        [issue] = error["extensions"]["resource"]["issue"]
        assert issue["diagnostics"] == issue["details"]["text"] == error["message"]
        assert error["extensions"]["code"] != "INTERNAL_SERVER_ERROR"
    return errors


async def _sent(fhir: Any, body: str | bytes) -> list[Any]:
    return check(await fhir.http.post(GRAPHQL, content=body, headers=HEADERS))


DOCUMENTS = {
    "braces": "{a" * DEEP + "}" * DEEP,
    "lists in an argument": "{GroupList(type: " + "[" * DEEP + "]" * DEEP + "){id}}",
    "objects in an input": "mutation{GroupCreate(res: "
    + "{a: " * DEEP + "1" + "}" * DEEP + "){id}}",
    "contained objects": 'mutation{GroupCreate(res: {contained: [{resourceType: "Basic", a: '
    + "{a: " * 900 + "1" + "}" * 900 + "}]}){id}}",
    "references in references": "{Group(id: g1){" + "member{entity{resource{...on Group{" * 200
    + "id" + "}}}}" * 200 + "}}",
    "dense references": "{Group(id: g1){"
    + "member{entity{resource{" * 40 + "id" + "}}}" * 40 + "}}",
    "reverse in reverse": "{Patient(id: p1){" + "GroupList(_reference: member){member{entity{"
    "resource(type: Patient){" * 12 + "id" + "}}}}" * 12 + "}}",
    "aliases": "{" + " ".join(f"a{n}: Group(id: g1){{id}}" for n in range(2_000)) + "}",
    "fragments in a circle": "{...A} fragment A on Query{...B} fragment B on Query{...A}",
    "fragments that double": "{...F0} " + " ".join(
        f"fragment F{n} on Query{{...F{n + 1} ...F{n + 1}}}" for n in range(40)
    ) + " fragment F40 on Query{Group(id: g1){id}}",
    "directives": "{Group(id: g1){id " + "@skip(if: false) " * 1_000 + "}}",
    "many digits": "{Group(id: g1){extension(valueDecimal: " + "9" * 20_000 + "){url}}}",
    "an exponent": "{Group(id: g1){extension(valueDecimal: 1e999999999){url}}}",
    "an Int of many digits": "{GroupList(_count: " + "9" * 5_000 + "){id}}",
    "a long text": '{GroupList(code: "' + "x" * 60_000 + '"){id}}',
    "many values": "{GroupList(_id: [" + ",".join(f"a{n}" for n in range(2_000)) + "]){id}}",
    "a zero byte": '{Group(id: "a\x00b"){id}}',
    "comments": "#" * 50_000 + "\n{Group(id: g1){id}}",
    "only a comment": "# nothing",
    "a description of the schema": "type Query{a: Int} {a}",
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_hostile_documents(fhir, server, name):
    """A document that asks for too much, or is none, costs a bounded number of upstream calls."""
    await _sent(fhir, json.dumps({"query": DOCUMENTS[name]}))
    assert len(server.calls) <= 50


BODIES = {
    "nested arrays": '{"query": "{Group(id: g1){id}}", "variables": {"x": '
    + "[" * 50_000 + "]" * 50_000 + "}}",
    "nested objects": '{"query": "mutation($r: GroupInput){GroupCreate(res: $r){id}}",'
    ' "variables": {"r": ' + '{"extension": [' * 500 + "{}" + "]}" * 500 + "}}",
    "contained and deep": '{"query": "mutation($r: GroupInput){GroupCreate(res: $r){id}}",'
    ' "variables": {"r": {"contained": [{"resourceType": "Basic", "a": '
    + '{"a":' * 200 + "1" + "}" * 200 + "}]}}}",
    "half a letter": '{"query": "{Group(id: \\"\\ud800\\"){id}}"}',
    "half a letter in a variable":
    '{"query": "query($i: ID){Group(id: $i){id}}", "variables": {"i": "\\udfff"}}',
    "a huge number":
    '{"query": "query($i: Int){GroupList(_count: $i){id}}", "variables": {"i": 1e999}}',
    "names of prototypes": '{"query": "{Group(id: g1){id}}", "__proto__": {"query": "{x}"}}',
    "the same member twice": '{"query": "{x}", "query": "{Group(id: g1){id}}"}',
    "not UTF-8": b'{"query": "{Group(id: \\"\xff\\"){id}}"}',
    "a long name": json.dumps({"query": "{Group(id: g1){id}}", "operationName": "x" * 100_000}),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
async def test_hostile_bodies(fhir, server, name):
    """A body that is odd JSON, or none, is answered in the same form."""
    await _sent(fhir, BODIES[name])
    assert len(server.calls) <= 2


IDS = [
    "../Patient/p1",
    "..",
    ".",
    "a/b",
    "a?b=c",
    "a#b",
    "a%2fb",
    "a\nb",
    "a\x00b",
    "é",
    " ",
    "a b",
]


@pytest.mark.parametrize("id", IDS)
async def test_hostile_ids(fhir, server, id):
    """An id that could lead elsewhere never reaches the upstream."""
    for type in ("Group", "Patient"):
        query = f"query($i: ID){{{type}(id: $i){{id}}}}"
        errors = check(await fhir.post(query, i=id))
        assert errors[0]["extensions"]["code"] == "BAD_USER_INPUT"
    for mutation in ("GroupDelete(id: $i){id}", "GroupUpdate(id: $i, res: {type: person}){id}"):
        assert check(await fhir.post(f"mutation($i: ID!){{{mutation}}}", i=id))
    assert server.calls == []


@pytest.mark.parametrize("path", ["%2e%2e", "%2e", "p1%00", "p1%2fx", "p1%3fx", "%ff", "p1;x", "*"])
async def test_hostile_addresses(fhir, server, path):
    """An address that could lead elsewhere never reaches the upstream."""
    url = httpx.URL(f"http://gateway.test/fhir/Patient/{path}/$graphql")
    response = await fhir.http.post(url, json={"query": "{id}"}, headers=HEADERS)
    assert response.status_code in {400, 404}
    assert check(response)
    assert server.calls == []


@pytest.mark.parametrize(
    "value", ["a&_count=1", "a#b", "a|b|c", "$", "\\", "a\r\nb", "%2c", "é", "+"]
)
async def test_hostile_values(fhir, server, value):
    """A search value is always one value, whatever it contains."""
    for name in ("identifier", "code", "_tag", "member", "characteristic_value", "_source"):
        query = f"query($v: {_TYPES.get(name, 'token')}){{GroupList({name}: [$v]){{id}}}}"
        errors = check(await fhir.post(query, v=value))
        assert {e["extensions"]["code"] for e in errors} <= {"BAD_USER_INPUT"}
    assert not [call for call in server.calls if "_count=1&" in call or call.endswith("_count=1")]


_TYPES = {"member": "reference", "characteristic_value": "composite", "_source": "uri"}
_WORDS = (
    *("{", "}", "(", ")", "[", "]", ":", "!", "$", "@", "...", '"', "'", ",", "#", "&", "|", "="),
    *("\\", "\n", "null", "true", "on", "query", "mutation", "fragment", "Group", "Patient", "id"),
    *("GroupList", "GroupConnection", "GroupCreate", "_id", "name", "member", "entity", "resource"),
    *(
        "type",
        "fhirpath",
        "_count",
        "_offset",
        "cursor",
        "_reference",
        "g1",
        "p1",
        "1",
        "-1",
        "1.5",
    ),
    *('"x"', '"name.exists()"', '"("', "@flatten", "@skip(if:true)"),
)


@pytest.mark.parametrize("seed", range(4))
async def test_random_words(start, server, seed):
    """Whatever words are sent in whatever order, the answer is a clean one."""
    chance = random.Random(seed)  # noqa: S311 - test data
    fhir = await start(server, fhir_graphql_directives=True)
    for _ in range(300):
        words = [chance.choice(_WORDS) for _ in range(chance.randint(1, 25))]
        await _sent(fhir, json.dumps({"query": " ".join(words)}))
        text = json.dumps({"query": "{Group(id: g1){id}}"})
        at = chance.randrange(len(text))
        await _sent(fhir, text[:at] + chance.choice(_WORDS) + text[at + chance.randint(0, 3) :])


FIELDS = (
    *("id", "name", "_name{id}", "member{SUB}", "contained{SUB}", "extension{SUB}", "meta{SUB}"),
    *("code{SUB}", "entity{SUB}", "resource{SUB}", "... on Patient{SUB}", "managingEntity{SUB}"),
    *("GroupList(_reference: member){SUB}", "name(use: official){SUB}", "__typename"),
    *("characteristic(ARG){SUB}", "member(ARG) @flatten{SUB}", "identifier @first{SUB}"),
    *("extension(ARG) @slice(path: ARGTEXT){SUB}", "text{status}", "birthDate @singleton"),
)
ARGUMENTS = (
    *("_count: 1", "_offset: 1", 'fhirpath: "code.exists()"', "exclude: true", "id: c1", "a: 1"),
    *("fhirpath: \"value > 3 or url = 'x'\"", "inactive: false", "url: x"),
)


@pytest.mark.parametrize("seed", range(4))
async def test_random_fields(start, server, seed):
    """Fields and arguments in places where they may not belong are answered cleanly too."""
    chance = random.Random(seed)  # noqa: S311 - test data
    fhir = await start(server, fhir_graphql_directives=True)
    for _ in range(150):
        query = "{Group(id: g1){SUB}}"
        for _ in range(12):
            chosen = " ".join(chance.sample(FIELDS, chance.randint(1, 3)))
            query = query.replace("SUB", chosen, 1).replace("ARGTEXT", '"url"', 1)
            query = query.replace("ARG", chance.choice(ARGUMENTS), 1)
        await _sent(fhir, json.dumps({"query": query.replace("SUB", "id")}))
