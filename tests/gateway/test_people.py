"""`resource` of a reference, where it is read from the upstream and not a stub."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import build_schema, validate_schema

from fhir_graphql.memory_server import MemoryServer
from frontdoor import Gateway, opened
from group_gateway.app import create_app
from group_gateway.config import Settings
from group_gateway.sandbox.data.seeded_people import full_name, reference
from group_gateway.sandbox.wellknown import RICH_GROUP_ID
from group_gateway.schema.federated_schema import print_sdl
from waiting import until

NAMES = """{ group(id: "g") { member { entity { resource {
    __typename ... on Patient { id name { text family given } birthDate active } } } } } }"""
THINGS = """{ group(id: "g") { member { entity { resource {
    __typename
    ... on Patient { id gender groups { nodes { id } }
        identifier { system value } telecom { system value use } photo { contentType url } }
    ... on Practitioner { id name { prefix family } }
    ... on PractitionerRole { roles: code { text } practitioner { reference } }
    ... on Device { status deviceName { name } kind: type { text } }
    ... on Medication { code { text } status }
    ... on Substance { code { text } status }
    ... on Organization { organizationName: name active alias }
    ... on RelatedPerson { name { family } relationship { text } }
    ... on Group { groupName: name } } } } } }"""


def group(*references: str) -> dict[str, Any]:
    """Return a group with these members."""
    members = [{"entity": {"reference": text}} for text in references]
    return {"resourceType": "Group", "id": "g", "type": "person", "name": "G", "member": members}


def patient(id: str, **more: Any) -> dict[str, Any]:
    """Return a patient with a name."""
    name = {"family": f"Family {id}", "given": ["Ada"]}
    return {"resourceType": "Patient", "id": id, "name": [name], **more}


def shown(data: Any) -> list[Any]:
    """Return what the members' references lead to."""
    return [member["entity"]["resource"] for member in data["group"]["member"]]


@pytest.fixture
def server() -> MemoryServer:
    """Return an empty FHIR server."""
    return MemoryServer()


@pytest.fixture
async def start(server: MemoryServer) -> AsyncIterator[Callable[..., Any]]:
    """Yield a function that starts a gateway on the server."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Gateway:
            known = {
                "upstream_url": "http://upstream.test",
                "resolve_members": "upstream",
                **settings,
            }
            network = httpx.ASGITransport(app=server.app())
            app = create_app(Settings(**known), transport=network)
            return await stack.enter_async_context(opened(app))

        yield start


async def test_a_thousand_names_take_eleven_calls(start: Any, server: MemoryServer) -> None:
    """A group of 1,000 is one read, and its people are ten searches by a hundred ids."""
    ids = [f"p{n}" for n in range(1000)]
    server.put(group(*(f"Patient/{id}" for id in ids)), *map(patient, ids))
    gateway = await start()
    found = shown(await gateway.data(NAMES))
    assert [(p["id"], p["name"][0]["family"]) for p in found] == [(i, f"Family {i}") for i in ids]
    assert len(server.calls) == 11
    await gateway.data(NAMES.replace("birthDate", "gender"))
    assert len(server.calls) == 11  # the rest of the time from the cache


async def test_every_type_is_read(start: Any, server: MemoryServer) -> None:
    """Each type shows its elements, read in a batch of its own."""
    concept = {"text": "Thing"}
    server.put(
        patient(
            "p",
            gender="female",
            identifier=[{"system": "urn:mrn", "value": "1"}],
            telecom=[{"system": "phone", "value": "555", "use": "home"}],
            photo=[{"contentType": "image/png", "url": "https://img.test/1"}],
        ),
        {"resourceType": "Practitioner", "id": "a", "name": [{"prefix": ["Dr."], "family": "A"}]},
        {"resourceType": "PractitionerRole", "id": "r", "code": [concept],
         "practitioner": {"reference": "Practitioner/a"}},
        {"resourceType": "Device", "id": "d", "status": "active", "type": concept,
         "deviceName": [{"name": "Cuff"}]},
        {"resourceType": "Medication", "id": "m", "status": "active", "code": concept},
        {"resourceType": "Substance", "id": "s", "status": "active", "code": concept},
        {"resourceType": "Organization", "id": "o", "active": True, "name": "Clinic",
         "alias": ["C"]},
        {"resourceType": "RelatedPerson", "id": "f", "relationship": [concept],
         "name": [{"family": "F"}]},
    )  # fmt: skip
    wanted = ("Patient/p", "Practitioner/a", "PractitionerRole/r", "Device/d", "Medication/m")
    server.put(group(*wanted, "Substance/s", "Organization/o", "RelatedPerson/f", "Group/g"))
    gateway = await start()
    assert shown(await gateway.data(THINGS)) == [
        {"__typename": "Patient", "id": "p", "gender": "female",
         "groups": {"nodes": [{"id": "g"}]},
         "identifier": [{"system": "urn:mrn", "value": "1"}],
         "telecom": [{"system": "phone", "value": "555", "use": "home"}],
         "photo": [{"contentType": "image/png", "url": "https://img.test/1"}]},
        {"__typename": "Practitioner", "id": "a", "name": [{"prefix": ["Dr."], "family": "A"}]},
        {"__typename": "PractitionerRole", "roles": [concept],
         "practitioner": {"reference": "Practitioner/a"}},
        {"__typename": "Device", "status": "active", "deviceName": [{"name": "Cuff"}],
         "kind": concept},
        {"__typename": "Medication", "code": concept, "status": "active"},
        {"__typename": "Substance", "code": concept, "status": "active"},
        {"__typename": "Organization", "organizationName": "Clinic", "active": True,
         "alias": ["C"]},
        {"__typename": "RelatedPerson", "name": [{"family": "F"}], "relationship": [concept]},
        {"__typename": "Group", "groupName": "G"},
    ]  # fmt: skip


async def test_managers_and_values_are_read(start: Any, server: MemoryServer) -> None:
    """A manager and the value of a trait lead to resources as a member does."""
    server.put(
        {"resourceType": "Organization", "id": "o", "name": "Clinic"},
        {
            **group(),
            "managingEntity": {"reference": "http://upstream.test/Organization/o"},
            "characteristic": [
                {"code": {"text": "at"}, "valueReference": {"reference": "Organization/o"}}
            ],
        },
    )
    gateway = await start()
    name = "{ resource { ... on Organization { name } } }"
    data = await gateway.data(
        f'{{ group(id: "g") {{ managingEntity {name} '
        f"characteristic {{ valueReference {name} }} }} }}"
    )
    clinic = {"resource": {"name": "Clinic"}}
    expected = {"managingEntity": clinic, "characteristic": [{"valueReference": clinic}]}
    assert data["group"] == expected
    assert len(server.calls) == 2


async def test_what_is_missing_or_elsewhere_is_null(start: Any, server: MemoryServer) -> None:
    """What does not exist, was deleted, or is not on this server is null, without an error."""
    server.put(patient("p"), patient("gone"))
    server.versions["Patient/gone"].append(None)
    elsewhere = ("http://other.test/Patient/p", "#p", "urn:uuid:1", "Location/1")
    server.put(group("Patient/p", "Patient/none", "Patient/gone", *elsewhere))
    found = shown(await (await start()).data(NAMES))
    assert [resource and resource["id"] for resource in found] == ["p", *[None] * 6]


async def test_a_single_deleted_one_is_null(start: Any, server: MemoryServer) -> None:
    """410 Gone is an absence too."""
    server.put(patient("gone"), group("Patient/gone"))
    server.versions["Patient/gone"].append(None)
    assert shown(await (await start()).data(NAMES)) == [None]


async def test_a_failing_one_leaves_the_rest(start: Any, server: MemoryServer) -> None:
    """A failed read is an error at its place."""
    server.refuses = frozenset({"_id"})
    server.put(patient("p"), patient("q"), group("Patient/p", "Patient/q"))
    server.failures["/Patient/q"] = 500
    gateway = await start(upstream_retries=0)
    answer = await gateway(NAMES)
    assert [r and r["id"] for r in shown(answer["data"])] == ["p", None]
    [error] = answer["errors"]
    assert error["path"] == ["group", "member", 1, "entity", "resource"]
    assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"


async def test_broken_elements_are_errors_of_their_own(start: Any, server: MemoryServer) -> None:
    """An element that is not as FHIR has it is null and an error; the others are shown."""
    server.put(patient("p", birthDate=7, active=True), group("Patient/p"))
    answer = await (await start())(NAMES)
    [found] = shown(answer["data"])
    assert (found["birthDate"], found["active"]) == (None, True)
    assert [e["path"][-1] for e in answer["errors"]] == ["birthDate"]
    assert answer["errors"][0]["extensions"]["code"] == "UPSTREAM_INVALID_RESPONSE"


async def test_a_list_that_is_cut(start: Any, server: MemoryServer) -> None:
    """Where a page has fewer than its total, the rest is searched for, link or no link."""
    ids = [f"p{n}" for n in range(40)]
    server.most, server.links_on = 15, False
    server.put(group(*(f"Patient/{id}" for id in ids)), *map(patient, ids))
    found = shown(await (await start()).data(NAMES))
    assert [resource["id"] for resource in found] == ids
    assert len(server.calls) == 4


async def test_calls_are_budgeted(start: Any, server: MemoryServer) -> None:
    """Reads of people count towards the operation's upstream calls."""
    ids = [f"p{n}" for n in range(300)]
    server.put(group(*(f"Patient/{id}" for id in ids)), *map(patient, ids))
    answer = await (await start(upstream_calls=2))(NAMES)
    codes = {error["extensions"]["code"] for error in answer["errors"]}
    assert codes == {"TOO_MANY_UPSTREAM_CALLS"}


async def test_callers_are_apart(start: Any, server: MemoryServer) -> None:
    """What one caller read is not shown to another, whom the upstream shows less."""
    server.tokens["other"] = frozenset({"Group/g"})
    server.put(patient("p"), group("Patient/p"))
    gateway = await start()
    assert [r["id"] for r in shown(await gateway.data(NAMES))] == ["p"]
    assert shown(await gateway.data(NAMES, token="other")) == [None]


async def test_people_are_audited(start: Any, server: MemoryServer, tmp_path: Path) -> None:
    """The audit log names the resources that were read, by type and id."""
    file = tmp_path / "audit.jsonl"
    server.put(patient("p"), group("Patient/p"))
    gateway = await start(audit_file=str(file))
    await gateway.data(NAMES)
    await until(lambda: bool(file.exists() and file.read_text()))
    assert set(json.loads(file.read_text().splitlines()[0])["read"]) == {"g", "Patient/p"}


async def test_entities_are_read_when_a_field_needs_it(start: Any, server: MemoryServer) -> None:
    """A router is given elements by key, and what needs no read stands when the read fails."""
    server.put(patient("p"), patient("q"), group("Patient/p"))
    gateway = await start(upstream_retries=0)
    query = """query ($who: [_Any!]!, $deep: Boolean!) { _entities(representations: $who) {
        ... on Patient { id name @include(if: $deep) { family } groups { nodes { id } } } } }"""
    who = [{"__typename": "Patient", "id": id} for id in ("p", "none")]
    await gateway.data(query, who=who, deep=False)
    assert all("/Patient" not in call for call in server.calls)
    data = await gateway.data(query, who=who, deep=True)
    assert [e["name"] for e in data["_entities"]] == [[{"family": "Family p"}], None]
    server.failures["/Patient/q"] = 500
    answer = await gateway(query, who=[{"__typename": "Patient", "id": "q"}], deep=True)
    assert answer["data"]["_entities"] == [{"id": "q", "name": None, "groups": {"nodes": []}}]
    assert [e["path"] for e in answer["errors"]] == [["_entities", 0, "name"]]


async def test_relay_reads_a_person_again(start: Any, server: MemoryServer) -> None:
    """Relay's field by id shows the elements too, each resource read once."""
    server.put(patient("p", active=True, birthDate=7))
    gateway = await start(cache_ttl=0)
    query = '{ fetch__Patient(id: "p") { id active name { given } birthDate } }'
    answer = await gateway(query)
    assert answer["data"]["fetch__Patient"] == {
        "id": "p", "active": True, "name": [{"given": ["Ada"]}], "birthDate": None
    }  # fmt: skip
    assert [e["path"][-1] for e in answer["errors"]] == ["birthDate"]
    assert server.calls == ["GET /Patient/p"]


async def test_stubs_cost_no_call(start: Any, server: MemoryServer) -> None:
    """Unless the setting says so nothing but the group is read, and no name can be asked for."""
    server.put(patient("p"), group("Patient/p", "Organization/o"))
    gateway = await start(resolve_members="stubs")
    query = NAMES.replace("name { text family given } birthDate active", "")
    assert shown(await gateway.data(query)) == [{"__typename": "Patient", "id": "p"}, None]
    assert server.calls == ["GET /Group/g"]
    response = await gateway.http.post(
        "/graphql", json={"query": NAMES}, headers={"authorization": "Bearer t"}
    )
    assert response.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_the_subgraph_serves_the_sdl_of_people(start: Any) -> None:
    """`_service.sdl` is what `group-gateway schema` prints under the setting, in parts or not."""
    printed = print_sdl(with_people=True)
    for settings in ({}, {"incremental_delivery": True}):
        data = await (await start(**settings)).data("{ _service { sdl } }")
        assert data["_service"]["sdl"].strip() == printed.strip()
    assert validate_schema(build_schema(printed, assume_valid_sdl=True)) == []


async def test_the_sandbox_has_people(make_gateway: Any) -> None:
    """On the sandbox a team shows its practitioners' names."""
    gateway = await make_gateway(resolve_members="upstream")
    names = "{ resource { ... on Patient { name { family } } ... on Organization { at: name } } }"
    data = await gateway.data(
        "query ($id: ID!, $who: [_Any!]!) { group(id: $id) { managingEntity "
        + names
        + " } _entities(representations: $who) { ... on Patient { name { family } } } }",
        id=RICH_GROUP_ID,
        who=[{"__typename": "Patient", "id": reference("Patient", 7).partition("/")[2]}],
    )
    assert data["group"]["managingEntity"]["resource"] == {"at": "Example Health"}
    assert data["_entities"] == [{"name": [{"family": full_name(7)[1]}]}]
