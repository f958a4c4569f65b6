"""Errors in what was asked: found before a request runs, or while it does."""

from typing import Any

import pytest

from frontdoor import Gateway
from group_gateway.sandbox.wellknown import TEST_GROUP_ID


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ a { b", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ " + "a { " * 3000, {}, "GRAPHQL_PARSE_FAILED"),
        ("{ unknown }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("{ group { id } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("{ group(id: [1]) { id } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { group }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query a { __typename } query b { __typename }", {}, "BAD_USER_INPUT"),
        ("fragment f on Group { id }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query ($id: ID!) { group(id: $id) { id } }", {}, "BAD_USER_INPUT"),
        ("query ($id: ID!) { group(id: $id) { id } }", {"id": {"a": 1}}, "BAD_USER_INPUT"),
        ("query ($id: ID!) { group(id: $id) { id } }", {"id": None}, "BAD_USER_INPUT"),
        ("query ($n: Int) { groups(first: $n) { nodes { id } } }", {"n": "1"}, "BAD_USER_INPUT"),
        ("query ($n: Int) { groups(first: $n) { nodes { id } } }", {"n": 2**31}, "BAD_USER_INPUT"),
        (
            "query ($f: GroupFilter) { groups(filter: $f) { nodes { id } } }",
            {"f": {"type": "CHILD"}},
            "BAD_USER_INPUT",
        ),
        (
            "query ($f: GroupFilter) { groups(filter: $f) { nodes { id } } }",
            {"f": {"name": "x"}},
            "BAD_USER_INPUT",
        ),
    ],
)
async def test_a_request_that_is_wrong_before_it_runs(
    gateway: Gateway, sandbox: Any, query: str, variables: dict[str, Any], code: str
) -> None:
    """What fails before execution has no data, the protocol's code, and costs no upstream call."""
    for _ in range(3):
        answer = await gateway(query, **variables)
        assert "data" not in answer
        assert {error["extensions"]["code"] for error in answer["errors"]} == {code}
        assert all("path" not in error for error in answer["errors"])
    assert sandbox.calls == []


async def test_a_schema_that_is_kept_to_oneself(make_gateway: Any) -> None:
    """With introspection switched off neither questions nor typing errors give a name away."""
    gateway = await make_gateway(introspection=False)
    for query in (
        "{ __schema { queryType { name } } }",
        '{ __type(name: "Group") { name } }',
        "{ _service { sdl } }",
        "{ ... on Query { s: _service { sdl } } }",
        "{ grou { id } }",
        "query ($f: GroupFilte) { groups(filter: $f) { nodes { id } } }",
    ):
        [error, *_] = (await gateway(query))["errors"]
        assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert "Did you mean" not in error["message"]
    answer = await gateway(
        "query ($f: GroupFilter) { groups(filter: $f) { nodes { id } } }", f={"typ": 1}
    )
    assert "Did you mean" not in str(answer)
    assert await gateway.data("{ __typename }") == {"__typename": "Query"}


@pytest.mark.parametrize(
    ("query", "variables", "path"),
    [
        ('query ($id: ID = "1") { group(id: $id) { id } }', {"id": None}, ["group"]),
        (
            'query ($id: ID = "1") { groups(filter: {id: [$id]}) { nodes { id } } }',
            {"id": None},
            ["groups"],
        ),
        ('{ group(id: "../metadata") { id } }', {}, ["group"]),
        ('{ group(id: "") { id } }', {}, ["group"]),
        ('{ group(id: "..") { id } }', {}, ["group"]),
        ("{ groups(first: -1) { nodes { id } } }", {}, ["groups"]),
        ("{ groups(first: 1, last: 1) { nodes { id } } }", {}, ["groups"]),
        ('{ groups(after: "x") { nodes { id } } }', {}, ["groups"]),
        ('{ groups(filter: {patient: "a/b"}) { nodes { id } } }', {}, ["groups"]),
        (
            f'{{ group(id: "{TEST_GROUP_ID}") {{ member(count: -1) {{ inactive }} }} }}',
            {},
            ["group", "member"],
        ),
        (
            '{ _entities(representations: [{__typename: "Nope", id: "1"}]) { __typename } }',
            {},
            ["_entities", 0],
        ),
        ("{ _entities(representations: [5]) { __typename } }", {}, ["_entities", 0]),
    ],
)
async def test_an_argument_that_is_wrong(
    gateway: Gateway, query: str, variables: dict[str, Any], path: list[Any]
) -> None:
    """An argument that only turns out wrong while running is its field's BAD_USER_INPUT."""
    for _ in range(3):
        answer = await gateway(query, **variables)
        [error] = answer["errors"]
        assert (error["path"], error["extensions"]["code"]) == (path, "BAD_USER_INPUT")
