"""Mutations of HL7's interface: what is written, what is answered, and what is refused."""

import hashlib
import json

import pytest

CREATE = """mutation($res: GroupInput) {
  GroupCreate(res: $res) { id name type _name { id } meta { versionId } } }"""
UPDATE = """mutation($id: ID!, $res: GroupInput, $v: String) {
  GroupUpdate(id: $id, res: $res, ifVersion: $v) { id name meta { versionId } } }"""


async def test_create(fhir, server):
    """A group is created with what was given, and the id of the server."""
    res = {
        "resourceType": "Group", "id": "dropped", "type": "person", "actual": True, "name": "New",
        "_name": {"id": "n1"}, "code": None, "identifier": [],
        "extension": [{"url": "urn:x", "valueString": "y"}],
        "member": [{"entity": {"reference": "Patient/p1"}, "period": {"start": "2026"}}],
    }  # fmt: skip
    data = await fhir.data(CREATE, res=res)
    created = data["GroupCreate"]
    assert (created["name"], created["_name"]) == ("New", {"id": "n1"})
    stored = server.now(f"Group/{created['id']}")
    assert created["id"] != "dropped"
    assert stored["extension"] == [{"url": "urn:x", "valueString": "y"}]
    assert stored["member"] == res["member"]
    assert not stored.keys() & {"code", "identifier"}


async def test_create_by_the_other_name(fhir):
    """`resource` names the group as well, and names need no quotes."""
    data = await fhir.data(
        'mutation{GroupCreate(resource: {type: device, actual: true, name: "D"}){name type}}'
    )
    assert data == {"GroupCreate": {"name": "D", "type": "device"}}


@pytest.mark.parametrize("arguments", ["", 'res: {name: "a"}, resource: {name: "a"}', "res: null"])
async def test_exactly_one_resource(fhir, arguments):
    """Neither none nor two resources can be created."""
    query = f"mutation{{GroupCreate{f'({arguments})' if arguments else ''}{{id}}}}"
    assert await fhir.failure(query) == (400, "BAD_USER_INPUT", "invalid")


async def test_decimals_keep_their_digits(fhir, server):
    """A decimal is stored with the digits of the literal, and of the variable."""
    literal = (
        'mutation{GroupCreate(res: {type: person, actual: true, name: "a",'
        ' extension: [{url: "u", valueDecimal: 1.50}]}){id}}'
    )
    data = await fhir.data(literal)
    stored = server.now(f"Group/{data['GroupCreate']['id']}")
    assert str(stored["extension"][0]["valueDecimal"]) == "1.50"
    body = json.dumps(
        {
            "query": CREATE,
            "variables": {
                "res": {
                    "type": "person",
                    "actual": True,
                    "name": "b",
                    "extension": [{"url": "u", "valueDecimal": 9}],
                }
            },
        }
    ).replace(": 9}", ": 2.700}")
    response = await fhir.http.post(
        "/fhir/$graphql", content=body,
        headers={"authorization": "Bearer t", "content-type": "application/json"},
    )  # fmt: skip
    stored = server.now(f"Group/{response.json()['data']['GroupCreate']['id']}")
    assert str(stored["extension"][0]["valueDecimal"]) == "2.700"


async def test_update_replaces(fhir, server):
    """What the new state leaves out is removed; `meta` stays as it was."""
    res = {"type": "person", "actual": True, "name": "Other"}
    data = await fhir.data(UPDATE, id="g1", res=res)
    assert data["GroupUpdate"] == {"id": "g1", "name": "Other", "meta": {"versionId": "2"}}
    stored = server.now("Group/g1")
    assert stored.keys() == {"resourceType", "id", "meta", "type", "actual", "name"}
    assert stored["meta"]["profile"] == ["urn:p1", "urn:p2"]


async def test_update_of_another_id(fhir):
    """The resource may have no id; another one is an error."""
    res = {"id": "g2", "type": "person", "actual": True, "name": "x"}
    assert await fhir.failure(UPDATE, id="g1", res=res) == (400, "BAD_USER_INPUT", "invalid")


async def test_update_of_a_missing_group(fhir, server):
    """Nothing is created by an update."""
    res = {"type": "person", "actual": True, "name": "x"}
    assert await fhir.failure(UPDATE, id="none", res=res) == (404, "NOT_FOUND", "not-found")
    assert "Group/none" not in server.versions


@pytest.mark.parametrize("version", ["2", "v-2", 'W/"2"', ""])
async def test_another_version_is_a_conflict(fhir, server, version):
    """An update for another version is refused, and nothing is written."""
    res = {"type": "person", "actual": True, "name": "x"}
    assert await fhir.failure(UPDATE, id="g1", res=res, v=version) == (412, "CONFLICT", "conflict")
    assert server.now("Group/g1")["name"] == "Trial"


@pytest.mark.parametrize("version", ["1", "v-1", 'W/"1"'])
async def test_the_same_version_is_none(fhir, server, version):
    """An update for the current version is made."""
    res = {"type": "person", "actual": True, "name": "x"}
    await fhir.data(UPDATE, id="g1", res=res, v=version)
    assert server.now("Group/g1")["name"] == "x"


async def test_the_version_read_is_the_precondition(fhir, server):
    """A plain read-edit-write is safe: `meta.versionId` says what was read."""
    res = {"type": "person", "actual": True, "name": "x", "meta": {"versionId": "1"}}
    server.put({**server.now("Group/g1"), "name": "by somebody else"})
    assert await fhir.failure(UPDATE, id="g1", res=res) == (412, "CONFLICT", "conflict")
    assert server.now("Group/g1")["name"] == "by somebody else"


async def test_a_rule_of_the_upstream(fhir):
    """A refusal by the upstream has the upstream's text, and the status of a rule."""
    res = {"type": "person", "actual": True, "name": "forbidden"}
    response = await fhir.post(UPDATE, id="g1", res=res)
    assert response.status_code == 422
    assert response.json()["errors"][0]["message"] == "This name is not allowed"
    assert await fhir.failure(UPDATE, id="g1", res=res) == (422, "BAD_USER_INPUT", "business-rule")


async def test_a_member_of_another_type(fhir):
    """A practitioner can't be a member of a group of persons."""
    res = {
        "type": "person",
        "actual": True,
        "name": "x",
        "member": [{"entity": {"reference": "Practitioner/d1"}}],
    }
    assert await fhir.failure(UPDATE, id="g1", res=res) == (422, "BAD_USER_INPUT", "business-rule")


async def test_what_succeeded_stays(fhir):
    """One failed mutation gives the status; what another one did is in `data`."""
    query = (
        'mutation{a: GroupUpdate(id: g2, res: {type: practitioner, actual: true, name: "n"}){name}'
        ' b: GroupUpdate(id: none, res: {name: "n"}){name}}'
    )
    response = await fhir.post(query)
    assert response.status_code == 404
    assert response.json()["data"] == {"a": {"name": "n"}, "b": None}


async def test_resource_of_another_type(fhir):
    """A Patient is no Group."""
    res = {"resourceType": "Patient", "name": "x"}
    assert await fhir.failure(CREATE, res=res) == (400, "BAD_USER_INPUT", "invalid")


async def test_values_are_checked_by_their_types(fhir):
    """An invalid dateTime is refused before any upstream call."""
    res = {
        "name": "x",
        "member": [{"entity": {"reference": "Patient/p1"}, "period": {"start": "yesterday"}}],
    }
    assert await fhir.failure(CREATE, res=res) == (400, "BAD_USER_INPUT", "invalid")


async def test_a_mutation_by_get(fhir):
    """GET can't write."""
    response = await fhir.http.get(
        "/fhir/$graphql",
        params={"query": 'mutation{GroupCreate(res: {name: "x"}){id}}'},
        headers={"authorization": "Bearer t"},
    )
    assert response.status_code == 405


async def test_reads_after_writes(fhir):
    """A write is seen by the next read, whatever was kept ready before."""
    before = await fhir.data("{Group(id: g1){name}}")
    await fhir.data(UPDATE, id="g1", res={"type": "person", "actual": True, "name": "x"})
    after = await fhir.data("{Group(id: g1){name}}")
    assert (before, after) == ({"Group": {"name": "Trial"}}, {"Group": {"name": "x"}})


DELETE = "mutation($id: ID!, $v: String) { GroupDelete(id: $id, ifVersion: $v) { id } }"


async def test_delete(fhir, server):
    """A group that is deleted is gone, for the next read as well."""
    await fhir.data("{Group(id: g1){name}}")
    assert await fhir.data(DELETE, id="g1") == {"GroupDelete": None}
    assert server.now("Group/g1") is None
    failure = await fhir.failure("{name}", path="/fhir/Group/g1/$graphql")
    assert failure == (410, "NOT_FOUND", "deleted")


async def test_delete_of_a_missing_group(fhir):
    """What is not there can't be deleted."""
    assert await fhir.failure(DELETE, id="none") == (404, "NOT_FOUND", "not-found")


async def test_writes_of_a_deleted_group(fhir, server):
    """A group that was deleted is gone for writes too, and stays so."""
    await fhir.data(DELETE, id="g1")
    gone = (410, "NOT_FOUND", "deleted")
    assert await fhir.failure(DELETE, id="g1") == gone
    res = {"type": "person", "actual": True}
    assert await fhir.failure(UPDATE, id="g1", res=res) == gone
    assert server.now("Group/g1") is None


@pytest.mark.parametrize("version", ["2", "v-2"])
async def test_delete_of_another_version(fhir, server, version):
    """A deletion of another version is refused."""
    assert await fhir.failure(DELETE, id="g1", v=version) == (412, "CONFLICT", "conflict")
    assert server.now("Group/g1") is not None


async def test_delete_of_this_version(fhir, server):
    """A deletion of the current version is made."""
    await fhir.data(DELETE, id="g1", v="1")
    assert server.now("Group/g1") is None


async def test_no_delete_upstream(fhir, server):
    """Where the upstream does not delete, that is what the error says."""
    server.deletes = False
    assert await fhir.failure(DELETE, id="g1") == (405, "BAD_USER_INPUT", "not-supported")


async def test_warnings_of_what_succeeded(fhir, server):
    """Each element that was not stored is one warning in the response's extensions."""
    server.ignores = frozenset({"code", "language"})
    res = {"type": "device", "actual": True, "name": "x", "code": {"text": "c"}, "language": "en"}
    response = await fhir.post(CREATE, res=res)
    answer = response.json()
    assert response.status_code == 200
    assert "errors" not in answer
    outcome = answer["extensions"]["resource"]
    assert outcome["resourceType"] == "OperationOutcome"
    assert {issue["severity"] for issue in outcome["issue"]} == {"warning"}
    assert len(outcome["issue"]) == 2
    response = await fhir.post(UPDATE, id=answer["data"]["GroupCreate"]["id"], res=res)
    assert len(response.json()["extensions"]["resource"]["issue"]) == 2


async def test_who_may_only_write(start, server, tmp_path):
    """A caller without a scope to read can write, and gets no data."""
    keys = tmp_path / "keys"
    keys.write_text(f"writer {hashlib.sha256(b'key').hexdigest()} user/Group.write\n")
    fhir = await start(server, callers="api-keys", api_keys_file=str(keys), allow_anonymous=True)
    res = {"type": "device", "actual": True, "name": "x"}
    response = await fhir.post(UPDATE, id="g1", res=res, token="key")
    assert response.json()["data"] == {"GroupUpdate": None}
    assert server.now("Group/g1")["name"] == "x"
    assert (await fhir.failure("{Group(id: g1){id}}", token="key"))[1] == "FORBIDDEN"
