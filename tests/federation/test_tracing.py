"""Federated traces (`ftv1`), read by Apollo's own definition and by its gateway."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.commands import PATIENCE, serving
from federation.conftest import ROUTER_KEY, Supergraph
from frontdoor import Gateway
from group_gateway.execution import federated_trace
from group_gateway.sandbox.quirks import FaultRule
from group_gateway.sandbox.wellknown import SEED_GROUP_IDS, TEST_GROUP_ID
from nodejs import run_node

ASKING = {"apollo-federation-include-trace": "ftv1", "x-router-key": ROUTER_KEY}
ENTITIES = """query ($representations: [_Any!]!) {
  _entities(representations: $representations) { ... on Group { title: name } }
}"""


@pytest.fixture
async def router(make_gateway: Callable[..., Any]) -> Gateway:
    """Return a gateway that knows a router's key."""
    made: Gateway = await make_gateway(router_key=ROUTER_KEY)
    return made


async def ask(gateway: Gateway, query: str, headers: dict[str, str], **variables: Any) -> Any:
    """Ask as a router does."""
    body = {"query": query, "variables": variables}
    headers = {"authorization": "Bearer sandbox", **headers}
    return (await gateway.http.post("/graphql", json=body, headers=headers)).json()


def read(packages: Path, answer: Any) -> Any:
    """Read the trace in an answer."""
    return json.loads(run_node(packages / "trace.mjs", answer["extensions"]["ftv1"]))


def below(node: Any, *path: str | int) -> Any:
    """Return the node of a trace at this path."""
    for key in path:
        name = "index" if isinstance(key, int) else "responseName"
        [node] = [child for child in node["child"] if child.get(name) == key]
    return node


async def test_each_field_with_its_times(router: Gateway, packages: Path) -> None:
    """The trace has names, types and nested times of all fields, list items by index."""
    query = "{ first: groups(first: 2) { nodes { name __typename } totalCount } }"
    trace = read(packages, await ask(router, query, ASKING))
    field = below(trace["root"], "first")
    assert (field["originalFieldName"], field["type"]) == ("groups", "GroupConnection")
    assert field["parentType"] == "Query"
    nodes = below(field, "nodes")
    assert [item["index"] for item in nodes["child"]] == [0, 1]
    name = below(nodes, 1, "name")
    assert (name["type"], name["parentType"]) == ("String", "Group")
    assert "originalFieldName" not in name
    assert [child["responseName"] for child in nodes["child"][0]["child"]] == ["name"]
    assert nodes["startTime"] < nodes["endTime"] <= name["startTime"] <= trace["durationNs"]
    assert trace["startTime"]["seconds"] <= trace["endTime"]["seconds"]
    assert "isIncomplete" not in trace


async def test_entities_and_their_errors(router: Gateway, packages: Path) -> None:
    """Entities stand under their index, with the error that the answer shows for them."""
    keys = [{"__typename": "Group", "id": id} for id in (TEST_GROUP_ID, "an id!")]
    answer = await ask(router, ENTITIES, ASKING, representations=keys)
    entities = below(read(packages, answer)["root"], "_entities")
    assert below(entities, 0, "title")["originalFieldName"] == "name"
    [error] = below(entities, 1)["error"]
    assert error["message"] == answer["errors"][0]["message"]
    [place] = answer["errors"][0]["locations"]
    assert error["location"] == [place]
    assert json.loads(error["json"])["extensions"] == {"code": "BAD_USER_INPUT"}


async def test_a_failing_upstream(router: Gateway, packages: Path, sandbox: Any) -> None:
    """A trace shows a failure at its field, as the response does."""
    sandbox.use(faults=(FaultRule(kind="status", status=501),))
    answer = await ask(router, "{ groups { totalCount } }", ASKING)
    trace = read(packages, answer)
    [error] = below(trace["root"], "groups", "totalCount")["error"]
    assert error["message"] == answer["errors"][0]["message"]
    assert json.loads(error["json"])["extensions"] == {"code": "UPSTREAM_UNAVAILABLE"}


async def test_a_request_that_is_not_executed(router: Gateway, packages: Path) -> None:
    """What is wrong with the request as a whole stands at the root."""
    trace = read(packages, await ask(router, "{ nothing }", ASKING))
    assert "child" not in trace["root"]
    assert trace["root"]["error"][0]["message"].startswith("Cannot query field 'nothing'")


async def test_each_operation_of_an_array(make_gateway: Callable[..., Any], packages: Path) -> None:
    """Operations that a router sends together have a trace each."""
    router = await make_gateway(router_key=ROUTER_KEY, batch_operations=2)
    body = [{"query": "{ groups { totalCount } }"}, {"query": "{ __typename }"}]
    headers = {"authorization": "Bearer sandbox", **ASKING}
    answers = (await router.http.post("/graphql", json=body, headers=headers)).json()
    roots = [read(packages, answer)["root"] for answer in answers]
    assert ["child" in root for root in roots] == [True, False]


async def test_a_trace_is_of_its_own_request(router: Gateway, packages: Path) -> None:
    """A traced request is executed, and its trace is never another's."""
    query = "{ group(id: $id) { name } }".replace("$id", f'"{TEST_GROUP_ID}"')
    plain = await ask(router, query, {})
    answers = [await ask(router, query, ASKING) for _ in range(2)]
    began = [read(packages, answer)["startTime"] for answer in answers]
    assert began[0] != began[1]
    assert [answer["data"] for answer in answers] == [plain["data"]] * 2
    assert await ask(router, query, {}) == plain


@pytest.mark.parametrize(
    "headers",
    [
        {"apollo-federation-include-trace": "ftv1"},
        {**ASKING, "x-router-key": "some other router"},
        {**ASKING, "apollo-federation-include-trace": "ftv2"},
        {"x-router-key": ROUTER_KEY},
    ],
)
async def test_who_may_not_ask(router: Gateway, headers: dict[str, str]) -> None:
    """Only requests with the key get a trace, in the only format."""
    assert "extensions" not in await ask(router, "{ groups { totalCount } }", headers)


async def test_off(gateway: Gateway) -> None:
    """Without a key in the settings no request gets a trace."""
    for headers in (ASKING, {**ASKING, "x-router-key": ""}):
        assert "extensions" not in await ask(gateway, "{ groups { totalCount } }", headers)


async def test_get(router: Gateway) -> None:
    """A GET, which a browser may keep, has no trace."""
    headers = {"authorization": "Bearer sandbox", **ASKING}
    parameters = {"query": "{ groups { totalCount } }"}
    answer = await router.http.get("/graphql", params=parameters, headers=headers)
    assert "extensions" not in answer.json()


async def test_what_could_come_in_parts(make_gateway: Callable[..., Any], packages: Path) -> None:
    """A traced answer is whole, with a trace of all its fields."""
    router = await make_gateway(router_key=ROUTER_KEY, incremental_delivery=True)
    query = "{ groups(first: 1) { nodes @stream { id } ... @defer { totalCount } } }"
    accept = {"accept": "multipart/mixed, application/json"}
    root = read(packages, await ask(router, query, ASKING | accept))["root"]
    assert below(root, "groups", "totalCount")["endTime"]
    assert below(root, "groups", "nodes", 0, "id")["endTime"]


async def test_large_traces(
    router: Gateway, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trace is bounded, and one that would have more fields says so; the answer is whole."""
    monkeypatch.setattr(federated_trace, "MOST_FIELDS", 7)
    answer = await ask(router, "{ groups(first: 9) { nodes { id } } }", ASKING)
    assert len(answer["data"]["groups"]["nodes"]) == 9
    trace = read(packages, answer)
    assert trace["isIncomplete"] is True
    assert len(below(trace["root"], "groups", "nodes")["child"]) == 5


def test_over_a_connection_that_gives_ready_answers() -> None:
    """A served gateway has an answer ready, and executes the traced request all the same."""
    with serving("sandbox", "--port", "0", router_key=ROUTER_KEY) as server:
        told = {"authorization": "Bearer sandbox"}
        body = {"query": "{ groups { totalCount } }"}
        with httpx.Client(base_url=server.url, headers=told, timeout=PATIENCE) as client:
            plain = [client.post("/graphql", json=body).json() for _ in range(3)]
            traced = client.post("/graphql", json=body, headers=ASKING).json()
            assert client.post("/graphql", json=body).json() == plain[0] == plain[2]
            ready = 'group_gateway_requests_total{outcome="ready"} 3.0'
            assert ready in client.get("/metrics").text
    assert traced["extensions"].keys() == {"ftv1"}


@pytest.mark.parametrize("started_supergraph", ["apollo"], indirect=True)
def test_by_apollos_gateway(supergraph: Supergraph) -> None:
    """`@apollo/gateway` asks for the traces of a plan's fetches and reads ours."""
    query = """query ($ids: [ID!]!) {
      practitioner(id: "1") { bookmarks(ids: $ids) { name } }
    }"""
    answer = supergraph(query, trace=True, ids=SEED_GROUP_IDS)
    first, flattened = answer["extensions"]["queryPlan"]["sequence"]["nodes"]
    fetch = flattened["flatten"]["node"]["fetch"]
    assert (first["fetch"]["serviceName"], fetch["serviceName"]) == ("practitioners", "groups")
    assert fetch["traceParsingFailed"] is False
    entities = below(fetch["trace"]["root"], "_entities")
    assert [item["index"] for item in entities["child"]] == list(range(len(SEED_GROUP_IDS)))
    assert "queryPlan" not in supergraph(query, ids=SEED_GROUP_IDS).get("extensions", {})
