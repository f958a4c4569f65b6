"""What is run by a plan, and what never is."""

import itertools
import json
from contextlib import AsyncExitStack

import httpx
import pytest

from differential.resources import Resource
from differential.upstream import Manners, Upstream
from frontdoor import post
from group_gateway.app import create_app
from group_gateway.config import Settings
from group_gateway.execution.compiled_plans import MOST_PLANS
from group_gateway.sandbox.wellknown import RICH_GROUP_ID, SEED_GROUP_IDS, TEST_GROUP_ID
from waiting import until

QUERY = "query ($id: ID!) { group(id: $id) { id name member { entity { reference } } } }"
MUTATION = """
mutation ($id: ID!, $name: String!) {
  updateGroup(input: {id: $id, name: $name}) { group { name } issues { code } }
}
"""
CONDITIONS = """
query ($id: ID!, $a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!, $e: Boolean!) {
  group(id: $id) {
    id @include(if: $a) name @skip(if: $b) type @include(if: $c) actual @skip(if: $d)
    quantity @include(if: $e)
  }
}
"""


@pytest.fixture
async def start(sandbox):
    """Yield a function that starts a gateway on the sandbox with some settings."""
    async with AsyncExitStack() as stack:

        async def start(**settings):
            known = Settings(upstream_url="http://upstream.test", **settings)
            app = create_app(known, transport=httpx.ASGITransport(app=sandbox.app))
            await stack.enter_async_context(app.router.lifespan_context(app))
            return app

        yield start


async def ask(app, query, **variables):
    """Ask a gateway, and return the data of an answer without errors."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    answer = json.loads((await post(app, body, "sandbox")).body)
    assert "errors" not in answer, answer
    return answer["data"]


async def test_a_query_is_run_by_a_plan(start):
    """A query is compiled when it first comes."""
    app = await start()
    data = await ask(app, QUERY, id=TEST_GROUP_ID)
    assert data["group"]["id"] == TEST_GROUP_ID
    planning = app.state.engine.planning
    assert (planning.compiled, planning.deoptimized) == (1, 0)


BROKEN = "groups(first: -1) { nodes { id } }"
GOOD = f'group(id: "{TEST_GROUP_ID}") {{ id }}'


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    "query",
    [f"{{ {GOOD} {BROKEN} }}", f"{{ {BROKEN} {GOOD} }}"],
    ids=["behind a field", "before it"],
)
async def test_a_field_that_fails_beside_another(start, sandbox, query, compiled):
    """It is null; the other field is present, and the upstream is called once for it."""
    app = await start(compiled=compiled)
    posted = await post(app, json.dumps({"query": query}).encode(), "sandbox")
    answer = json.loads(posted.body)
    assert answer["data"] == {"group": {"id": TEST_GROUP_ID}, "groups": None}
    assert [error["path"] for error in answer["errors"]] == [["groups"]]
    await until(lambda: sandbox.calls == [f"GET /Group/{TEST_GROUP_ID}"])
    data = await ask(app, f"{{ {GOOD} }}")
    assert data["group"]["id"] == TEST_GROUP_ID
    assert sandbox.calls == [f"GET /Group/{TEST_GROUP_ID}"]


@pytest.mark.parametrize("compiled", [True, False])
async def test_a_field_that_fails_and_may_be_null(start, sandbox, compiled):
    """What stands before and behind it goes upstream together, and once."""
    ids = SEED_GROUP_IDS[:2]
    query = (
        'query ($id: ID = "x") {'
        f' a: group(id: "{ids[0]}") {{ id }} b: group(id: $id) {{ id }}'
        f' c: group(id: "{ids[1]}") {{ id }} }}'
    )
    body = json.dumps({"query": query, "variables": {"id": None}}).encode()
    answer = json.loads((await post(await start(compiled=compiled), body, "sandbox")).body)
    assert answer["data"] == {"a": {"id": ids[0]}, "b": None, "c": {"id": ids[1]}}
    assert [error["path"] for error in answer["errors"]] == [["b"]]
    assert sandbox.calls == [f"GET /Group?_id={','.join(ids)}&_count=2"]


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 5000])
async def test_a_number_that_nothing_can_hold(number, compiled):
    """It breaks its own element, if that is asked for; the rest of the group stands."""
    upstream = Upstream(Manners())
    raw = f'{{"resourceType":"Group","id":"g","name":"N","quantity":{number}}}'.encode()
    upstream.hold("sandbox", [Resource("g", raw, None, frozenset())])
    known = Settings(upstream_url="http://upstream.test", compiled=compiled)
    app = create_app(known, transport=upstream)
    async with app.router.lifespan_context(app):
        assert await ask(app, '{ group(id: "g") { name } }') == {"group": {"name": "N"}}
        body = json.dumps({"query": '{ group(id: "g") { name quantity } }'}).encode()
        answer = json.loads((await post(app, body, "sandbox")).body)
    assert answer["data"] == {"group": {"name": "N", "quantity": None}}
    assert [error["path"] for error in answer["errors"]] == [["group", "quantity"]]


async def test_a_setting_switches_plans_off(start):
    """Without compiled plans the answer is the same, and graphql-core's."""
    data = [
        await ask(await start(compiled=compiled), QUERY, id=TEST_GROUP_ID)
        for compiled in (True, False)
    ]
    assert data[0] == data[1]
    app = await start(compiled=False)
    await ask(app, QUERY, id=TEST_GROUP_ID)
    assert app.state.engine.planning.compiled == 0


async def test_a_mutation_is_never_run_by_a_plan(start, sandbox):
    """However often it comes, it is executed once each time: nothing is written twice."""
    app = await start()
    for name in ("One", "Two", "Three"):
        data = await ask(app, MUTATION, id=TEST_GROUP_ID, name=name)
        assert data["updateGroup"] == {"group": {"name": name}, "issues": []}
    planning = app.state.engine.planning
    assert (planning.compiled, planning.deoptimized) == (0, 0)
    assert sum(call.startswith("PUT ") for call in sandbox.calls) == 3


async def test_plans_of_one_operation_are_bounded(start):
    """What has more combinations of conditions is run by graphql-core from then on."""
    app = await start()
    names = ("a", "b", "c", "d", "e")
    for values in itertools.product((False, True), repeat=len(names)):
        given = dict(zip(names, values, strict=True))
        data = await ask(app, CONDITIONS, id=TEST_GROUP_ID, **given)
        assert ("id" in data["group"], "name" in data["group"]) == (given["a"], not given["b"])
    assert app.state.engine.planning.compiled == MOST_PLANS


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("{ __schema { queryType { name } } }", "not_compilable"),
        ("query ($id: ID!) { group(id: $id) { id } }", "variables"),
        (f"{{ {BROKEN} }}", "field_error"),
    ],
)
async def test_queries_without_a_plan_are_counted(start, caplog, query, reason):
    """Each is counted by why no plan answered it, and the first of a reason is logged."""
    caplog.set_level("INFO", "group_gateway")
    app = await start(cache_ttl=0)
    for _ in range(2):
        await post(app, json.dumps({"query": query}).encode(), "sandbox")
    assert await _fallbacks(app) == [f'{{reason="{reason}"}} 2.0']
    logged = [one.reason for one in caplog.records if "without a plan" in one.getMessage()]
    assert logged == [reason]


async def test_too_many_plans_are_counted(start):
    """Each run without a plan for its conditions counts."""
    app = await start()
    for values in itertools.product((False, True), repeat=5):
        await ask(app, CONDITIONS, id=TEST_GROUP_ID, **dict(zip("abcde", values, strict=True)))
    assert await _fallbacks(app) == [f'{{reason="too_many_plans"}} {2**5 - MOST_PLANS}.0']


async def test_values_that_end_a_plan_are_counted():
    """A value of the upstream that the plan can't encode counts; what a plan answers does not."""
    upstream = Upstream(Manners())
    raw = b'{"resourceType":"Group","id":"g","name":"N","quantity":"three"}'
    upstream.hold("sandbox", [Resource("g", raw, None, frozenset())])
    app = create_app(Settings(upstream_url="http://upstream.test"), transport=upstream)
    async with app.router.lifespan_context(app):
        await ask(app, '{ group(id: "g") { name } }')
        assert await _fallbacks(app) == []
        await post(app, b'{"query":"{ group(id: \\"g\\") { quantity } }"}', "sandbox")
        assert await _fallbacks(app) == ['{reason="unexpected_value"} 1.0']


async def _fallbacks(app):
    """Return the labels and values of the metric."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as http:
        lines = (await http.get("http://gateway.test/metrics")).text.splitlines()
    name = "group_gateway_plan_fallbacks_total"
    return [line.removeprefix(name) for line in lines if line.startswith(name)]


async def test_names_of_members_are_shown_by_a_plan(start):
    """A fragment on a type of a union is compiled, whether its resources are stubs or read."""
    query = """query ($id: ID!) { group(id: $id) { name member { entity { reference resource {
        __typename ... on Patient { id } ... on Practitioner { id %s } } } } } }"""
    for kind, more in (("stubs", ""), ("upstream", "name { family }")):
        app = await start(resolve_members=kind)
        data = await ask(app, query % more, id=RICH_GROUP_ID)
        shown = [member["entity"]["resource"] for member in data["group"]["member"]]
        assert {"__typename", "id"} <= set(shown[0])
        planning = app.state.engine.planning
        assert (planning.compiled, planning.deoptimized) == (1, 0)
