"""References are resolved in batches, for one caller at a time, within the operation's bounds."""

import hashlib
import json

import pytest

from fhir_graphql.memory_server import MemoryServer
from waiting import until

MEMBERS = "{Group(id: many){member{entity{resource(optional: true){id}}}}}"


@pytest.fixture
def crowd() -> MemoryServer:
    """Return a server with a group of 250 patients."""
    server = MemoryServer()
    server.put(*({"resourceType": "Patient", "id": f"c{n}"} for n in range(250)))
    members = [{"entity": {"reference": f"Patient/c{n}"}} for n in range(250)]
    server.put({"resourceType": "Group", "id": "many", "type": "person", "member": members})
    return server


async def test_batches(start, crowd):
    """Ids of one type go together, up to a hundred in one search."""
    fhir = await start(crowd)
    data = await fhir.data(MEMBERS)
    assert [m["entity"]["resource"]["id"] for m in data["Group"]["member"]] == [
        f"c{n}" for n in range(250)
    ]
    assert [call.partition("?")[0] for call in crowd.calls] == [
        "GET /Group/many",
        *["GET /Patient"] * 3,
    ]


async def test_the_same_twice(fhir, server):
    """What several references lead to is read once."""
    await fhir.data(
        "{a: Patient(id: p1){managingOrganization{resource{id}}}"
        " b: Patient(id: p1){id managingOrganization{resource{id}}}}"
    )
    assert sorted(server.calls) == ["GET /Organization/o1", "GET /Patient/p1"]


async def test_types_apart(fhir, server):
    """Each type has a batch of its own; a single id is read."""
    server.put({"resourceType": "Group", "id": "mixed", "member": [
        {"entity": {"reference": r}} for r in ("Patient/p1", "Patient/p2", "Device/dev1")
    ]})  # fmt: skip
    await fhir.data("{Group(id: mixed){member{entity{resource{id}}}}}")
    assert sorted(server.calls[1:]) == ["GET /Device/dev1", "GET /Patient?_id=p1,p2&_count=2"]


@pytest.mark.parametrize("how", ["refused", "ignored"])
async def test_without_id_lists(start, how):
    """Where the upstream has no search by id lists, resources are read one by one."""
    server = (
        MemoryServer(applies=frozenset({"_count"}))
        if how == "ignored"
        else MemoryServer(refuses=frozenset({"_id"}))
    )
    server.put(*({"resourceType": "Patient", "id": f"c{n}"} for n in range(6)))
    members = [{"entity": {"reference": f"Patient/c{n}"}} for n in range(4)]
    server.put({"resourceType": "Group", "id": "many", "member": members})
    fhir = await start(server)
    data = await fhir.data(MEMBERS)
    assert [m["entity"]["resource"]["id"] for m in data["Group"]["member"]] == [
        "c0",
        "c1",
        "c2",
        "c3",
    ]


async def test_pages_of_a_batch(start, crowd):
    """A server that gives fewer on a page is asked again for the rest."""
    crowd.applies -= {"_count"}  # ten on a page
    fhir = await start(crowd, upstream_calls=50)
    data = await fhir.data("{Group(id: many){member(_count: 25){entity{resource{id}}}}}")
    assert [m["entity"]["resource"]["id"] for m in data["Group"]["member"]] == [
        f"c{n}" for n in range(25)
    ]


async def test_what_is_missing_in_a_batch(fhir, server):
    """What a batch does not find is an error at its own field."""
    query = "{Group(id: few){member{entity{resource{id}}}}}"
    ids = ("p1", "none", "p2", "p3")
    server.put(
        {
            "resourceType": "Group",
            "id": "few",
            "member": [{"entity": {"reference": f"Patient/{i}"}} for i in ids],
        }
    )
    answer = (await fhir.post(query)).json()
    found = [m["entity"]["resource"] for m in answer["data"]["Group"]["member"]]
    assert found == [{"id": "p1"}, None, {"id": "p2"}, {"id": "p3"}]
    assert [e["path"] for e in answer["errors"]] == [["Group", "member", 1, "entity", "resource"]]


async def test_a_failing_batch_fails_even_optional_ones(fhir, server):
    """A failure of the upstream is no absence."""
    server.failures["/Patient/p1"] = 503
    query = "{Group(id: g1){member(_count: 1){entity{resource(optional: true){id}}}}}"
    assert (await fhir.failure(query))[1] == "UPSTREAM_UNAVAILABLE"


async def test_calls_are_budgeted(start, crowd):
    """References count towards the operation's upstream calls."""
    fhir = await start(crowd, upstream_calls=2)
    answer = (await fhir.post(MEMBERS)).json()
    codes = {error["extensions"]["code"] for error in answer["errors"]}
    issues = {error["extensions"]["resource"]["issue"][0]["code"] for error in answer["errors"]}
    assert (codes, issues) == ({"TOO_MANY_UPSTREAM_CALLS"}, {"too-costly"})


async def test_callers_are_apart(start, server):
    """What one caller read is not shown to another, whom the upstream shows less."""
    server.tokens["other"] = frozenset({"Group/g1"})
    fhir = await start(server)
    query = "{Group(id: g1){member(_count: 1){entity{resource(optional: true){id}}}}}"
    whole = await fhir.data(query)
    less = await fhir.data(query, token="other")
    assert whole["Group"]["member"][0]["entity"]["resource"] == {"id": "p1"}
    assert less["Group"]["member"][0]["entity"]["resource"] is None


async def test_kept_for_the_caller(fhir, server):
    """A second operation of the same caller reads nothing anew."""
    await fhir.data("{Patient(id: p1){id}}")
    await fhir.data("{Patient(id: p1){gender}}")
    assert server.calls == ["GET /Patient/p1"]


@pytest.mark.parametrize(
    ("scopes", "code"),
    [
        ("user/Group.read user/Patient.read", None),
        ("user/Group.read user/Patient.rs", None),
        ("user/Group.read user/*.read", None),
        ("user/Group.read", "FORBIDDEN"),
        ("user/Group.read user/Practitioner.read", "FORBIDDEN"),
        ("user/Group.read user/Patient.write", "FORBIDDEN"),
    ],
)
async def test_scopes_by_type(start, server, tmp_path, scopes, code):
    """With a service account a caller needs a scope for each type that it reads."""
    keys = tmp_path / "keys"
    keys.write_text(f"somebody {hashlib.sha256(b'key').hexdigest()} {scopes}\n")
    fhir = await start(
        server, callers="api-keys", api_keys_file=str(keys), allow_anonymous=True
    )  # fmt: skip
    answer = (await fhir.post("{Patient(id: p1){id}}", token="key")).json()
    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    assert codes == ([code] if code else [])
    assert bool(server.calls) is (code is None)


async def test_audit(start, server, tmp_path):
    """The audit log names what was read, by type and id."""
    log = tmp_path / "audit.jsonl"
    fhir = await start(server, audit_file=str(log))
    await fhir.data("{Group(id: g1){member(_count: 1){entity{resource{id}}}}}")
    await fhir.http.aclose()
    await until(lambda: log.exists() and log.read_text().endswith("\n"))
    [record] = [json.loads(line) for line in log.read_text().splitlines()]
    assert record["read"] == ["Patient/p1", "g1"]
    assert record["fields"] == ["Group"]
