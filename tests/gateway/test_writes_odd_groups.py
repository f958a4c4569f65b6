"""Whatever a server keeps as a group, a write loses nothing of it, or is refused."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from every_upstream.documents import change
from frontdoor import opened
from gateway.answering import codes
from gateway.keeper import BASE, Keeper, group_of, payload_of, tell
from gateway.writing import members, patients, told
from group_gateway.app import create_app
from group_gateway.config import Settings

UPDATE = change("updateGroup", "id")
ADD = change("addGroupMembers", "id")
REMOVE = change("removeGroupMembers", "id")
ASSIGN = change("setGroupResponsibilities", "id")
ONE = members(1)[0]
SMOKER = {"code": {"text": "smoker"}, "exclude": False, "valueBoolean": True}
THO = "http://terminology.hl7.org/CodeSystem"
TEXT = {"text": "a text"}


def versioned(**elements: Any) -> Keeper:
    """Make a server with versions that keeps this group."""
    return Keeper(group_of(**elements), etag=True, version_id=True)


def kept(keeper: Keeper) -> dict[str, Any]:
    """Return what it keeps of the group."""
    return {k: v for k, v in keeper.stored().items() if k != "meta"}


async def test_a_member_in_the_place_of_the_list_of_members():
    """It is the only member: one that is added stands beside it."""
    keeper = versioned(member=ONE)
    payload = await payload_of(keeper, ADD, groupId="1", members=patients(2))
    assert payload["issues"] == []
    assert kept(keeper)["member"] == members(1, 2)
    keeper = versioned(member=ONE)
    payload = await payload_of(keeper, REMOVE, groupId="1", members=patients(1))
    assert payload["issues"] == []
    assert "member" not in kept(keeper)


async def test_a_trait_in_the_place_of_the_list_of_traits():
    """It is the only trait: a responsibility stands beside it, or takes its place with its id."""
    keeper = versioned(type="practitioner", characteristic=SMOKER)
    codes = ["REVIEW_COVERAGES"]
    await payload_of(keeper, ASSIGN, groupId="1", responsibilities=codes)
    assert kept(keeper)["characteristic"][0] == SMOKER
    assert len(kept(keeper)["characteristic"]) == 2
    keeper = versioned(characteristic=SMOKER | {"id": "t"})
    wanted = SMOKER | {"valueBoolean": False}
    await payload_of(keeper, UPDATE, id="1", characteristic=[wanted])
    assert kept(keeper)["characteristic"] == [wanted | {"id": "t"}]


@dataclass
class Verbatim(httpx.AsyncBaseTransport):
    """A server that keeps one group as the bytes that come."""

    raw: bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Replace it, or show it."""
        if request.method == "PUT":
            self.raw = await request.aread()
        return httpx.Response(404 if "metadata" in request.url.path else 200, content=self.raw)


async def test_a_group_of_many_levels():
    """It is written whole, or refused where Python's decoders don't go so deep."""
    nested = 3_000 * b"[" + 3_000 * b"]"
    server = Verbatim(b'{"resourceType":"Group","id":"1","name":"Old","contained":%b}' % nested)
    settings = Settings(upstream_url=BASE, cache_ttl=0)
    async with opened(create_app(settings, transport=server)) as gateway:
        answer = await gateway(UPDATE, input={"id": "1", "name": "New"})
    refused = codes(answer)
    assert refused <= {"UPSTREAM_INVALID_RESPONSE"}
    assert nested in server.raw
    assert (b"New" in server.raw) == (not refused)


NONSENSE = [5, "x", True, [5], [["x"]], {"a": {"b": 1}}, [{"a": 1}, None, "x"]]


@pytest.mark.parametrize("value", NONSENSE)
@pytest.mark.parametrize("name", ["member", "characteristic", "identifier", "name", "code"])
async def test_an_odd_element_is_kept_by_a_change_of_another(name: str, value: Any):
    """What is not as FHIR has it goes back as it came."""
    keeper = versioned(**{"extension": value, "contained": value, "text": value, name: value})
    before = kept(keeper)
    payload = await payload_of(keeper, UPDATE, id="1", active=False)
    assert payload["issues"] == []
    assert kept(keeper) == before | {"active": False}


@pytest.mark.parametrize(
    ("element", "wanted"),
    [
        ({"name": ["a"]}, {"name": "b"}),
        ({"name": {"value": "a"}}, {"name": "b"}),
        ({"code": [TEXT]}, {"code": {"text": "b"}}),
        ({"code": 5}, {"code": {"text": "b"}}),
        ({"managingEntity": [TEXT]}, {"managingEntity": {"reference": "Organization/1"}}),
        ({"identifier": "x"}, {"identifier": [{"value": "1"}]}),
        ({"identifier": [5]}, {"identifier": [{"value": "1"}]}),
        ({"characteristic": ["x"]}, {"characteristic": [SMOKER]}),
        ({"member": "Patient/1"}, {"member": patients(1)}),
        ({"member": ["Patient/1"]}, {"member": patients(1)}),
    ],
)
async def test_an_odd_element_is_not_changed(element: Any, wanted: Any):
    """A new value would lose what stands there: the issue is at the input, nothing is written."""
    keeper = versioned(**element)
    payload = await payload_of(keeper, UPDATE, id="1", **wanted)
    [name] = element
    assert told(payload) == [("ERROR", "structure", [name])]
    assert payload["group"]["id"] == "1"
    assert "PUT" not in keeper.calls()


@pytest.mark.parametrize("document", [ADD, REMOVE])
async def test_odd_members_are_neither_added_to_nor_removed_from(document: str):
    """A text is no list of members."""
    keeper = versioned(member="Patient/1")
    payload = await payload_of(keeper, document, groupId="1", members=patients(1))
    assert told(payload) == [("ERROR", "structure", ["members"])]
    assert "PUT" not in keeper.calls()


async def test_odd_entries_stay_among_the_members():
    """Who is added or removed is named; nulls and texts are not, and stay."""
    keeper = versioned(member=[None, "Patient/1", ONE, {"entity": [5]}, {}])
    await payload_of(keeper, ADD, groupId="1", members=patients(2))
    await payload_of(keeper, REMOVE, groupId="1", members=patients(1))
    assert kept(keeper)["member"] == [None, "Patient/1", {"entity": [5]}, {}, *members(2)]


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (UPDATE, {"id": "1", "name": "New"}),
        (ADD, {"groupId": "1", "members": patients(2)}),
        (REMOVE, {"groupId": "1", "members": patients(1)}),
        (UPDATE, {"id": "1", "member": []}),
    ],
)
@pytest.mark.parametrize(
    "tag",
    [
        {"system": f"{THO}/v3-ObservationValue", "code": "SUBSETTED"},
        {"system": "http://hl7.org/fhir/v3/ObservationValue", "code": "SUBSETTED"},
        {"code": "SUBSETTED"},
    ],
)
async def test_a_part_of_a_group_is_never_written_back(document: str, wanted: Any, tag: Any):
    """A read that says it is not the whole resource is no basis for a PUT of the whole."""
    keeper = versioned(member=members(1), meta={"tag": [{"code": "x"}, tag]})
    answer = await tell(keeper, document, **wanted)
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_INVALID_RESPONSE"
    assert "part of the group" in error["message"]
    assert "was not made" in error["message"]
    assert "PUT" not in keeper.calls()


async def test_a_part_in_the_answer_to_a_write_is_not_taken_for_the_group():
    """The group is read back, in place of the part that the server sent."""
    part = group_of(meta={"tag": [{"code": "SUBSETTED"}]})
    keeper = versioned(member=members(1))
    keeper.echo = part
    payload = await payload_of(keeper, ADD, groupId="1", members=patients(2))
    assert payload["issues"] == []
    assert keeper.calls() == ["GET", "PUT", "GET"]


REASON = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason"}]}
OTHER = {"extension": [{"url": "https://example.org/x", "valueString": "y"}]}


async def test_a_primitive_that_is_cleared_is_described_no_more():
    """`_active` does not outlive `active`."""
    keeper = versioned(active=True, _active=OTHER, _name=OTHER, _type=OTHER)
    await payload_of(keeper, UPDATE, id="1", active=None)
    assert kept(keeper) == group_of(_name=OTHER, _type=OTHER)


async def test_a_primitive_that_is_set_is_not_absent():
    """The reason why a name was absent goes when it has one; other extensions stay."""
    both = {"extension": [*REASON["extension"], *OTHER["extension"]]}
    keeper = versioned(name=None, _name=both, _active=REASON)
    await payload_of(keeper, UPDATE, id="1", name="New", active=True)
    assert kept(keeper) == group_of(name="New", _name=OTHER, active=True)


async def test_an_inactive_flag_is_described_no_more_when_it_changes():
    """`_inactive` goes with the flag that it describes."""
    keeper = versioned(member=[ONE | {"inactive": True, "_inactive": OTHER}])
    await payload_of(keeper, ADD, groupId="1", members=patients(1))
    assert kept(keeper)["member"] == [ONE | {"inactive": False}]


@pytest.mark.parametrize("membership", ["definitional", "enumerated", "conceptual"])
async def test_a_group_as_fhir_r5_has_it(membership: str):
    """An update adds no `actual`, which R5 does not have."""
    keeper = versioned(actual=None, membership=membership)
    del keeper.group["actual"]
    keeper.__post_init__()
    payload = await payload_of(keeper, UPDATE, id="1", name="New")
    assert payload["issues"] == []
    assert kept(keeper) == {k: v for k, v in keeper.group.items() if k != "name"} | {"name": "New"}
    payload = await payload_of(keeper, UPDATE, id="1", actual=True)
    assert told(payload) == [("ERROR", "not-supported", ["actual"])]


@pytest.mark.parametrize(
    "element", [{"actual": False}, {"membership": "definitional"}, {"membership": "conceptual"}]
)
async def test_a_group_that_says_it_has_no_members(element: Any):
    """Members are refused, whichever way they come."""
    keeper = versioned(**element)
    payload = await payload_of(keeper, ADD, groupId="1", members=patients(1))
    assert told(payload) == [("ERROR", "invariant", ["members"])]
    payload = await payload_of(keeper, UPDATE, id="1", member=patients(1))
    assert told(payload) == [("ERROR", "invariant", ["member"])]
    assert "PUT" not in keeper.calls()


REFERENCES = [
    "urn:uuid:0c1f4a7e-5a0c-4f0e-9b1c-0d1e2f3a4b5c",
    "urn:oid:1.2.3",
    "#p1",
    "Patient?identifier=http://x|1",
    "Patient/under_score",
    "Patient/with space",
    "Patient/1/_history/2",
    "https://other.example/fhir/Patient/7",
    "https://other.example/fhir/Patient/7/_history/1",
    "http://other.example/odd?x=1",
    f"{BASE}/Patient/8",
]


@pytest.mark.parametrize("reference", REFERENCES)
async def test_a_member_is_removed_by_the_text_that_is_shown(reference: str):
    """Whatever a server has as a reference names its member, and no other one."""
    other = {"entity": {"reference": "Patient/7"}}
    keeper = versioned(member=[other, {"entity": {"reference": reference}}])
    payload = await payload_of(keeper, REMOVE, groupId="1", members=[{"reference": reference}])
    assert payload["issues"] == []
    assert kept(keeper)["member"] == [other]
    payload = await payload_of(keeper, REMOVE, groupId="1", members=[{"reference": reference}])
    assert told(payload) == [("INFORMATION", "not-found", ["members", "0"])]


@pytest.mark.parametrize("reference", REFERENCES)
async def test_a_list_of_members_given_back_as_it_was_shown(reference: str):
    """Who is a member may stay one, whatever the reference looks like."""
    listed = [{"entity": {"reference": reference, "id": "e"}}]
    keeper = versioned(member=listed)
    wanted = [{"reference": reference}, *patients(3)]
    payload = await payload_of(keeper, UPDATE, id="1", member=wanted)
    assert payload["issues"] == []
    assert kept(keeper)["member"] == [*listed, *members(3)]
    payload = await payload_of(keeper, ADD, groupId="1", members=[{"reference": reference}])
    assert told(payload) == [("INFORMATION", "duplicate", ["members", "0"])]


@pytest.mark.parametrize(
    ("reference", "is_legal"),
    [
        ("urn:uuid:0c1f4a7e-5a0c-4f0e-9b1c-0d1e2f3a4b5c", True),
        ("https://other.example/fhir/Patient/7", True),
        ("Patient/1/_history/2", True),
        ("#p1", True),
        ("#p2", False),
        ("Patient?identifier=1", False),
        ("Patient/under_score", False),
    ],
)
async def test_who_can_be_added(reference: str, *, is_legal: bool):
    """A literal reference, a URN, or a resource that the group contains."""
    keeper = versioned(contained=[{"resourceType": "Patient", "id": "p1"}])
    payload = await payload_of(keeper, ADD, groupId="1", members=[{"reference": reference}])
    if is_legal:
        assert payload["issues"] == []
        [member] = kept(keeper)["member"]
        assert member["entity"]["reference"] == reference
    else:
        assert told(payload) == [("ERROR", "value", ["members", "0", "reference"])]
        assert "PUT" not in keeper.calls()


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ({"identifier": {"system": "http://x", "value": "1"}}, "http://x|1"),
        ({"identifier": {"value": "1"}, "display": "Bob"}, "|1"),
        ({"identifier": {"system": "http://x", "value": "1"}, "display": "Old Bob"}, "Old Bob"),
        ({"display": "Old Bob"}, "Old Bob"),
        ({"display": "Rex"}, "Rex"),
        ({"reference": "7"}, "7"),
    ],
)
async def test_members_without_a_literal_reference(entity: dict[str, Any], text: str):
    """They are named by what is shown: a business identifier, a name, or another text."""
    other = [{"entity": {"identifier": {"value": "2"}}}, {"entity": {"display": "New Bob"}}]
    keeper = versioned(member=[*other, {"entity": entity}])
    named = [{"reference": text}]
    await payload_of(keeper, UPDATE, id="1", member=named)
    assert kept(keeper)["member"] == [{"entity": entity}]
    payload = await payload_of(keeper, ADD, groupId="1", members=named)
    assert told(payload) == [("INFORMATION", "duplicate", ["members", "0"])]
    await payload_of(keeper, REMOVE, groupId="1", members=named)
    assert "member" not in kept(keeper)
    payload = await payload_of(keeper, ADD, groupId="1", members=named)
    assert told(payload) == [("ERROR", "value", ["members", "0", "reference"])]


async def test_patients_of_other_servers_are_other_patients():
    """The same id elsewhere is another person: in adds, in updates and in removals."""
    foreign = {"entity": {"reference": "https://other.example/fhir/Patient/7", "type": "Patient"}}
    own = {"entity": {"reference": f"{BASE}/Patient/7"}}
    keeper = versioned(member=[foreign])
    payload = await payload_of(keeper, ADD, groupId="1", members=patients(7))
    assert payload["issues"] == []
    assert kept(keeper)["member"] == [foreign, *members(7)]
    payload = await payload_of(keeper, REMOVE, groupId="1", members=patients(7))
    assert kept(keeper)["member"] == [foreign]
    keeper = versioned(member=[foreign, own])
    payload = await payload_of(keeper, ADD, groupId="1", members=patients(7))
    assert told(payload) == [("INFORMATION", "duplicate", ["members", "0"])]
    payload = await payload_of(keeper, REMOVE, groupId="1", members=patients(7))
    assert payload["issues"] == []
    assert kept(keeper)["member"] == [foreign]
