"""Two gateways that know nothing of each other, and one upstream: no write is lost.

Three real processes. What one gateway writes the other learns from the upstream alone.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from cli.commands import serving
from every_upstream.harness import Fhir
from frontdoor import Gateway
from gateway.writing import (
    ADD,
    CREATE,
    REMOVE,
    UPDATE,
    members,
    new_group,
    patients,
    references,
    told,
)
from group_gateway.sandbox.wellknown import TEST_GROUP_ID

SIDES = ("one", "other")


@pytest.fixture(scope="module")
def addresses() -> Iterator[dict[str, str]]:
    """Run an upstream and two gateways in front of it; return their addresses."""
    with serving("sandbox", "--upstream-only", "--port", "0") as upstream:
        gateway_app = ("serve", "--port", "0", "--upstream-url", upstream.url)
        with serving(*gateway_app) as one, serving(*gateway_app) as other:
            yield {"upstream": upstream.url, "one": one.url, "other": other.url}


@pytest.fixture
async def gateways(addresses: dict[str, str]) -> AsyncIterator[list[Gateway]]:
    """Yield both gateways."""
    async with (
        httpx.AsyncClient(base_url=addresses["one"], timeout=60) as one,
        httpx.AsyncClient(base_url=addresses["other"], timeout=60) as other,
    ):
        yield [Gateway(one), Gateway(other)]


@pytest.fixture(params=[False, True], ids=["by the clock", "by entity tags"])
async def fhir(request: Any, addresses: dict[str, str]) -> AsyncIterator[Fhir]:
    """Yield the upstream past both gateways, without and with entity tags."""
    headers = {"authorization": "Bearer sandbox"}
    async with httpx.AsyncClient(base_url=addresses["upstream"], headers=headers) as http:
        quirks = {"etag": request.param}
        (await http.put("/sandbox/quirks", json=quirks)).raise_for_status()
        yield Fhir(http)


async def add(gateway: Gateway, id: str, name: Any) -> Any:
    """Add a patient through a gateway; return the payload."""
    wanted = {"groupId": id, "members": patients(name)}
    return (await gateway.data(ADD, input=wanted))["addGroupMembers"]


async def remove(gateway: Gateway, id: str, name: Any) -> Any:
    """Remove a patient through a gateway; return the payload."""
    wanted = {"groupId": id, "members": patients(name)}
    return (await gateway.data(REMOVE, input=wanted))["removeGroupMembers"]


async def test_twenty_additions_through_two_gateways(gateways, fhir):
    """All twenty that were added at once are members in the end, and none of them twice."""
    id = await fhir.create(new_group())
    payloads = await asyncio.gather(*(add(gateways[name % 2], id, name) for name in range(20)))
    for name, payload in enumerate(payloads):
        assert payload["issues"] == []
        assert f"Patient/{name}" in references(payload["group"])
    stored = references(await fhir.read(id))
    assert sorted(stored) == sorted(f"Patient/{name}" for name in range(20))


async def test_additions_one_after_the_other_through_two_gateways(gateways, fhir):
    """Clients that don't wait for each other come in at any moment of a second."""
    id = await fhir.create(new_group())

    async def come_in(name: int) -> Any:
        await asyncio.sleep(name * 0.07)
        return await add(gateways[name % 2], id, name)

    payloads = await asyncio.gather(*map(come_in, range(20)))
    assert [payload["issues"] for payload in payloads] == [[]] * 20
    stored = references(await fhir.read(id))
    assert sorted(stored) == sorted(f"Patient/{name}" for name in range(20))


async def test_members_come_and_go(gateways, fhir):
    """Ten leave through one gateway while ten come through the other."""
    id = await fhir.create(new_group(member=members(*range(10))))
    await asyncio.gather(
        *(remove(gateways[0], id, name) for name in range(10)),
        *(add(gateways[1], id, name) for name in range(10, 20)),
    )
    stored = references(await fhir.read(id))
    assert sorted(stored) == [f"Patient/{name}" for name in range(10, 20)]


async def test_updates_among_additions(gateways, fhir):
    """An update is made, or comes back as a conflict with the group as it is; members stay."""
    id = await fhir.create(new_group())

    async def rename(side: int) -> Any:
        wanted = {"id": id, "name": f"By {SIDES[side]}"}
        return (await gateways[side].data(UPDATE, input=wanted))["updateGroup"]

    one, other, *_ = await asyncio.gather(
        rename(0), rename(1), *(add(gateways[name % 2], id, name) for name in range(10))
    )
    stored = await fhir.read(id)
    assert sorted(references(stored)) == [f"Patient/{name}" for name in range(10)]
    made = {"Made"}
    for payload, name in ((one, "By one"), (other, "By other")):
        issues = told(payload)
        if issues != [("ERROR", "conflict", [])]:
            made.add(name)
            # Somebody else's name may be there already when it is read back.
            assert issues in ([], [("WARNING", "incomplete", ["name"])])
            assert bool(issues) == (payload["group"]["name"] != name)
        assert payload["group"]["id"] == id
    assert stored["name"] in made
    assert len(made) == 1 or stored["name"] != "Made"


@pytest.mark.parametrize("kind", ["reset", "truncated"])
async def test_an_update_whose_answer_breaks_off(gateways, fhir, kind):
    """The change was made; the payload says so, and warns of the lost response."""
    fault = {"kind": kind, "method": "PUT", "times": 1}
    quirks = {"update_body": "full", "faults": [fault]}
    (await fhir.http.put("/sandbox/quirks", json=quirks)).raise_for_status()
    payload = await add(gateways[0], TEST_GROUP_ID, name := uuid.uuid4())
    assert told(payload) == [("WARNING", "transient", [])]
    assert f"Patient/{name}" in references(payload["group"])
    assert f"Patient/{name}" in references(await fhir.read(TEST_GROUP_ID))


async def test_a_create_whose_connection_breaks(gateways, fhir):
    """It was made once, the error says that this is unknown, and the next search finds it."""
    count = "{ groups { totalCount } }"
    before = (await gateways[0].data(count))["groups"]["totalCount"]
    quirks = {"faults": [{"kind": "reset", "method": "POST", "path": "/Group"}]}
    (await fhir.http.put("/sandbox/quirks", json=quirks)).raise_for_status()
    wanted = {"type": "PERSON", "name": "New"}
    [error] = (await gateways[0](CREATE, input=wanted))["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    assert "not known whether the group was created" in error["message"]
    assert (await gateways[0].data(count))["groups"]["totalCount"] == before + 1
