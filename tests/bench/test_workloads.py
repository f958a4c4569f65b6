"""What the measurements ask, what they expect, and what their upstream serves."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from graphql import parse

from bench.resources import Catalogue
from bench.soak import as_new, mix
from bench.stages import ANSWER, COLD, EXCHANGE, READ, REQUEST, REST, with_rest
from bench.workloads import BUNDLE, CONNECTION, PLAIN, Workload
from frontdoor import Gateway, opened
from group_gateway.app import create_app
from group_gateway.config import Settings


class Files(httpx.AsyncBaseTransport):
    """The catalogue's files, found as nginx finds them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._files = catalogue.files()
        self._searches = catalogue.searches()
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a read or a search."""
        self.asked.append(request.url.raw_path.decode())
        path, query = request.url.path.removeprefix("/"), request.url.params
        if path == "Group":
            page = f"{query['_count']}-{query.get('_offset', 0)}"
            path = f"search/{self._searches[query['_id']] if '_id' in query else page}"
        return httpx.Response(200, json=self._files[f"{path}.json"])


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """Return the groups."""
    return Catalogue()


@pytest.fixture
def files(catalogue: Catalogue) -> Files:
    """Return the upstream."""
    return Files(catalogue)


@pytest.fixture
async def gateway_app(files: Files) -> AsyncIterator[Gateway]:
    """Yield a gateway on the files."""
    async with opened(create_app(Settings(upstream_url="http://up.test"), transport=files)) as it:
        yield it


async def answered(gateway: Gateway, body: bytes) -> Any:
    """Return the answer to a body as it is sent."""
    headers = {"content-type": "application/json", "authorization": "Bearer bench-0"}
    return (await gateway.http.post("/graphql", content=body, headers=headers)).json()


@pytest.mark.parametrize("name", ["W1", "W2", "W3", "W4", "W5"])
async def test_the_gateway_answers_a_workload_as_expected(
    name: str, catalogue: Catalogue, files: Files, gateway_app: Gateway
) -> None:
    """Each workload is answered from one upstream call: the one that the stages measure."""
    workload = CONNECTION.workloads(catalogue)[name]
    assert await answered(gateway_app, workload.bodies[0]) == {"data": workload.expected}
    [asked] = files.asked
    assert asked.replace("%2C", ",").startswith(workload.path)


def test_all_gateways_are_asked_for_the_same(catalogue: Catalogue) -> None:
    """The wordings differ in how a list is put, and in nothing else."""
    ours, plain, bundle = (w.workloads(catalogue) for w in (CONNECTION, PLAIN, BUNDLE))
    for name in ("W1", "W3", "W4", "W5"):
        assert ours[name].bodies == plain[name].bodies == bundle[name].bodies
    groups = plain["W2"].expected["groups"]
    assert bundle["W2"].expected["groups"] == {"entry": [{"resource": one} for one in groups]}
    assert [one["id"] for one in ours["W2"].expected["groups"]["nodes"]] == [
        one["id"] for one in groups
    ]


def test_the_catalogue_is_the_same_every_time(catalogue: Catalogue) -> None:
    """Two runs measure the same data."""
    assert Catalogue().files() == catalogue.files()


def test_a_new_document_asks_for_the_same(catalogue: Catalogue) -> None:
    """A document made new is still a document, under another alias where it has one field."""
    for workload in CONNECTION.workloads(catalogue).values():
        query = msgspec.json.decode(as_new(workload.bodies[0]))["query"]
        assert query.startswith("# @N@\n")
        parse(query.replace("@N@", "7"))
        assert ("{ new@N@: group" in query) is (workload.name != "W4")


def test_the_soak_mixes_known_and_new_documents_and_writes(catalogue: Catalogue) -> None:
    """Every kind of request is in the mix, in the same order each time."""
    workloads = CONNECTION.workloads(catalogue)
    bodies = mix(workloads, catalogue.small)
    assert bodies == mix(workloads, catalogue.small)
    assert any(b"mutation" in body for body in bodies)
    for workload in workloads.values():
        assert kinds(workload, bodies) == {"known", "new"}


def kinds(workload: Workload, bodies: list[bytes]) -> set[str]:
    """Return which of these forms a workload's first body has."""
    forms = {"known": workload.bodies[0], "new": as_new(workload.bodies[0])}
    return {kind for kind, body in forms.items() if body in bodies}


def test_the_rest_of_a_post_is_what_its_parts_leave() -> None:
    """What was not measured alone is shown too, and stands before the whole."""
    parts = [REQUEST, EXCHANGE, READ, ANSWER]
    stages = {title: {"W1": 10.0} for title in parts} | {COLD: {"W1": 100.0}}
    shown = with_rest(stages)
    assert shown[REST] == {"W1": 60.0}
    assert list(shown) == [*parts, REST, COLD]
