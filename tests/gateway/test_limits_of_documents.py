"""Documents that ask for too much: refused before validation, each limit by a code of its own."""

from typing import Any

import pytest
from graphql import get_introspection_query

from frontdoor import Gateway
from group_gateway.execution.document_limits import DocumentLimits
from group_gateway.execution.documents import Documents
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from group_gateway.schema.federated_schema import build_schema


def group(selection: str) -> str:
    """Return a query of a group with this selection."""
    return f'{{ group(id: "{TEST_GROUP_ID}") {{ {selection} }} }}'


def fragments(count: int, inside: str) -> str:
    """Return fragments f0, f1 and so on, each with its own number and the next in its text."""
    return " ".join(
        f"fragment f{n} on Group {{ {inside.format(n=n, next=n + 1)} }}" for n in range(count)
    )


DEEP = '{ group(id: "1") { ' + "member { entity { resource { ... on Group { " * 5 + "id" + " }" * 22
CHAIN = fragments(40, "...f{next} ...f{next}") + " fragment f40 on Group { id name }"
CLIQUE = fragments(30, " ".join(f"...f{n}" for n in range(30)))
REFUSED = {
    "levels": (DEEP, "QUERY_TOO_DEEP"),
    "levels by fragments": (
        "".join(
            f"fragment {a} on Group {{ member {{ entity {{ resource {{ ...{b} }} }} }} }} "
            for a, b in ("ab", "bc", "cd", "de")
        )
        + 'fragment e on Group { member { entity { type } } } { group(id: "1") { ...a } }',
        "QUERY_TOO_DEEP",
    ),
    "tokens": (group("id " * 5_000), "QUERY_TOO_LARGE"),
    "characters": (group("id #" + "x" * 200_000 + "\n"), "QUERY_TOO_LARGE"),
    "root fields": (
        "{" + " ".join(f"a{n}: __typename" for n in range(201)) + "}",
        "TOO_MANY_FIELDS",
    ),
    "aliases": (group(" ".join(f"a{n}: id" for n in range(501))), "TOO_MANY_ALIASES"),
    "fields": (group("id " * 2_000), "TOO_MANY_FIELDS"),
    "fields of one name": (group("id " * 150), "TOO_MANY_FIELDS"),
    "fields of one name below others": (
        "{" + 'group(id: "1") { member { inactive entity { type } } }' * 90 + "}",
        "TOO_MANY_FIELDS",
    ),
    "fields by fragments": (group("...f0") + CHAIN, "TOO_MANY_FIELDS"),
    "fields in a fragment that is not used": (group("id") + CHAIN, "TOO_MANY_FIELDS"),
    "fields in many operations": (
        fragments(1, "id name type actual active quantity")
        + " ".join(f'query q{n} {{ group(id: "1") {{ ...f0 }} }}' for n in range(300)),
        "TOO_MANY_FIELDS",
    ),
    "fields of an input object": (
        "{ groups(filter: {" + " ".join(f"a{n}: 1" for n in range(101)) + "}) { totalCount } }",
        "TOO_MANY_FIELDS",
    ),
    "directives": (group("id " + "@skip(if: false) " * 101), "TOO_MANY_DIRECTIVES"),
    "directives of a variable": (
        "query ($a: ID " + "@x " * 101 + ") { __typename }",
        "TOO_MANY_DIRECTIVES",
    ),
    "a fragment within itself": (
        group("...f0") + fragments(1, "...f0"),
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "fragments within each other": (group("...f0") + CLIQUE, "GRAPHQL_VALIDATION_FAILED"),
    "fragments below each other": (
        group("...f0") + fragments(450, "...f{next}") + " fragment f450 on Group { id }",
        "QUERY_TOO_DEEP",
    ),
    "a list without end": ("{ group(id: " + "[" * 2_000 + " ) { id } }", "GRAPHQL_PARSE_FAILED"),
    "a type without end": (
        "query ($a: " + "[" * 1_000 + "ID" + "]" * 1_000 + ") { __typename }",
        "GRAPHQL_PARSE_FAILED",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_document_that_is_too_much(gateway: Gateway, sandbox: Any, name: str) -> None:
    """What is beyond a limit has that limit's code, no data, and costs no upstream call."""
    query, code = REFUSED[name]
    for _ in range(2):
        answer = await gateway(query)
        assert answer.keys() == {"errors"}
        assert {error["extensions"]["code"] for error in answer["errors"]} == {code}
    assert sandbox.calls == []


WITHIN = {
    "introspection": get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True
    ),
    "root fields": "{" + " ".join(f"a{n}: __typename" for n in range(200)) + "}",
    "aliases": group(" ".join(f"a{n}: id" for n in range(500))),
    "fields of one name": group("id " * 100),
    "components with a fragment each": (
        fragments(60, "id name type c{n}: active") + group(" ".join(f"...f{n}" for n in range(60)))
    ),
    "ids in the document": '{ groups(filter: {id: ["1" %s]}) { nodes { id } } }' % ('"2"' * 900),
}


@pytest.mark.parametrize("name", WITHIN)
async def test_what_a_front_end_sends_is_within_the_limits(gateway: Gateway, name: str) -> None:
    """Documents as tools and large front ends make them are answered."""
    assert await gateway.data(WITHIN[name])


@pytest.mark.parametrize(
    ("setting", "within", "beyond"),
    [
        ({"query_depth": 2}, group("id"), group("member { inactive }")),
        ({"query_tokens": 11}, group("id"), group("id name")),
        ({"query_fields": 3}, group("id name"), group("id name type")),
        ({"query_root_fields": 1}, "{ __typename }", "{ __typename a: __typename }"),
        ({"query_aliases": 1}, group("a: id"), group("a: id b: id")),
        ({"query_directives": 0}, group("id"), group("id @skip(if: false)")),
    ],
    ids=str,
)
async def test_limits_are_settings(
    make_gateway: Any, setting: dict[str, int], within: str, beyond: str
) -> None:
    """Each limit is where its setting puts it: what just fits is answered."""
    gateway = await make_gateway(**setting)
    assert await gateway.data(within)
    assert "data" not in await gateway(beyond)


def test_one_document_can_not_push_out_all_others() -> None:
    """What has too many characters is refused anew each time, and takes no document's place."""
    schema = build_schema().graphql_schema
    documents = Documents(schema, DocumentLimits())
    kept = documents.get("{ __typename }")
    assert documents.get("#" * 300_000).errors
    assert documents.get("{ __typename }") is kept


TIGHT = {"query_depth": 3, "query_fields": 10, "query_tokens": 20, "query_aliases": 1}
LEVELS = 40
NESTED = '{ __type(name: "Group") { ' + "ofType { " * LEVELS + "name" + " }" * LEVELS + " } }"
WIDE = "{ __schema { " + " ".join(f"a{n}: description" for n in range(2_100)) + " } }"
CYCLIC = "{ __schema { types { " + "fields { type { " * 4 + "name" + " } }" * 4 + " } } }"
BESIDE = (
    "{ __schema { description } "
    + group("name type quantity active actual version id meta { versionId }")[2:]
)


async def test_tools_ask_for_the_schema_within_limits_of_their_own(make_gateway: Any) -> None:
    """Introspection is answered whatever a deployment allows for data, and for nothing else."""
    gateway = await make_gateway(**TIGHT)
    schema = await gateway.data(get_introspection_query(input_value_deprecation=True))
    assert schema["__schema"]["queryType"]["name"] == "Query"
    for query in (group("member { entity { resource { __typename } } }"), BESIDE):
        [error] = (await gateway(query))["errors"]
        assert error["extensions"]["code"] in {"QUERY_TOO_DEEP", "QUERY_TOO_LARGE"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (NESTED, "QUERY_TOO_DEEP"),
        (WIDE, "TOO_MANY_FIELDS"),
        (CYCLIC, "GRAPHQL_VALIDATION_FAILED"),
    ],
    ids=["levels", "fields", "circles"],
)
async def test_introspection_has_limits(make_gateway: Any, query: str, code: str) -> None:
    """What asks for the schema without end is refused, also where data may be deep."""
    gateway = await make_gateway(query_depth=1000, query_fields=100_000, query_tokens=100_000)
    [error, *_] = (await gateway(query))["errors"]
    assert error["extensions"]["code"] == code
