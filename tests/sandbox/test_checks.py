"""Bodies that are refused: 400 for what is no R4 Group, 422 for broken rules."""

import pytest

from group_gateway.sandbox.checks.rules import kind_of
from group_gateway.sandbox.checks.validation import check_group
from group_gateway.sandbox.wellknown import (
    HIDDEN_TEAM_ID,
    RESPONSIBILITIES,
    TEAM_ID,
    TEAM_RESPONSIBILITIES,
    TEST_GROUP_ID,
    UNASSIGNED_RESPONSIBILITIES,
)

BODY = {"resourceType": "Group", "type": "person", "actual": True, "name": "N"}
CODE = {"code": {"text": "x"}, "exclude": False}
MISSING = "(type=model_field_validation.missing; field_name="


def characteristic(**elements):
    """Build a body with one characteristic, changed as given."""
    return {"characteristic": [CODE | {"valueBoolean": True} | elements]}


def responsible(*codes):
    """Build the characteristics of a team with responsibilities."""
    return [
        {
            "code": {"text": "responsibility"},
            "valueCodeableConcept": {"text": code},
            "exclude": False,
        }
        for code in codes
    ]


# What is wrong with a body, and the start of the one issue that says so.
WRONG = [
    ({"type": None}, f"invalid: body -> type — Value for the field 'type' is required. {MISSING}"),
    ({"actual": None}, "invalid: body -> actual — Value for the field 'actual' is required."),
    ({"name": None}, "invalid: body -> name — Value for the field 'name' is required."),
    ({"resourceType": None}, "required: body -> resourceType — Field required (type=missing)"),
    ({"resourceType": "Patient"}, "invalid: body -> resourceType — expects resource type"),
    ({"type": "bogus"}, "value: body -> type — Input should be one of person, "),
    ({"type": 1}, "value: body -> type — Input should be a valid string (type=string_type)"),
    ({"type": " person"}, "value: body -> type — String should match pattern"),
    ({"actual": False}, "value: body -> actual — Input should be true"),
    ({"actual": "maybe"}, "structure: body -> actual — Input should be a valid boolean, unable"),
    ({"actual": 1}, "value: body -> actual — Input should be a valid boolean (type=bool_type)"),
    ({"name": ""}, "value: body -> name — String should match pattern"),
    ({"name": ["N"]}, "value: body -> name — Input should be a valid string"),
    ({"quantity": -1}, "value: body -> quantity — Input should be greater than or equal to 0"),
    ({"quantity": "3"}, "value: body -> quantity — Input should be a valid integer"),
    ({"quantity": 1.5}, "value: body -> quantity — Input should be a valid integer"),
    ({"quantity": True}, "value: body -> quantity — Input should be a valid integer"),
    (
        {"nope": 1},
        "structure: body -> nope — Extra inputs are not permitted (type=extra_forbidden)",
    ),
    ({"_nope": {}}, "structure: body -> _nope — Extra inputs"),
    ({"_member": {}}, "structure: body -> _member — Extra inputs"),
    ({"_name": {"value": 1}}, "structure: body -> _name -> value — Extra inputs"),
    ({"_name": "x"}, "value: body -> _name — Input should be a valid dictionary"),
    ({"identifier": {}}, "value: body -> identifier — Input should be a valid list"),
    ({"identifier": ["x"]}, "value: body -> identifier -> 0 — Input should be a valid dictionary"),
    ({"identifier": [None]}, "value: body -> identifier -> 0 — Input should be a valid dictionary"),
    ({"code": "x"}, "value: body -> code — Input should be a valid dictionary"),
    (
        {"code": {"coding": [{"userSelected": "yes"}]}},
        "structure: body -> code -> coding -> 0 -> userSelected — Input should be a valid boolean",
    ),
    ({"language": "e n "}, "value: body -> language — String should match pattern"),
    ({"implicitRules": "a b"}, "value: body -> implicitRules — String should match pattern"),
    ({"text": {"status": "empty"}}, "invalid: body -> text -> div — Value for the field 'div'"),
    ({"contained": [{}]}, "required: body -> contained -> 0 -> resourceType — Field required"),
    ({"contained": [1]}, "value: body -> contained -> 0 — Input should be a valid dictionary"),
    ({"extension": [{}]}, "invalid: body -> extension -> 0 -> url — Value for the field 'url'"),
    (
        {"extension": [{"url": "u", "valueNope": 1}]},
        "structure: body -> extension -> 0 -> valueNope — Extra inputs",
    ),
    ({"meta": {"lastUpdated": "2025"}}, "value: body -> meta -> lastUpdated — String should match"),
    ({"meta": {"versionId": "a_b"}}, "value: body -> meta -> versionId — String should match"),
    ({"member": [{}]}, "required: body -> member -> 0 -> entity — Field required (type=missing)"),
    ({"member": [{"entity": "x"}]}, "value: body -> member -> 0 -> entity — Input should be a"),
    (
        {"member": [{"entity": {"reference": 3}}]},
        "value: body -> member -> 0 -> entity -> reference — Input should be a valid string",
    ),
    (
        {"member": [{"entity": {}}]},
        "required: body -> member -> 0 -> entity -> reference — Field required (type=missing)",
    ),
    (
        {"member": [{"entity": {"reference": "Observation/1"}}]},
        "value: body -> member -> 0 -> entity -> reference — 'Observation' cannot be a member",
    ),
    (
        {"member": [{"entity": {"reference": "cf10ff9d"}}]},
        "value: body -> member -> 0 -> entity -> reference — 'cf10ff9d' is not a reference",
    ),
    (
        {"member": [{"entity": {"reference": "Patient/1"}, "period": {"start": "then"}}]},
        "value: body -> member -> 0 -> period -> start — String should match pattern",
    ),
    (
        {"member": [{"entity": {"reference": "Patient/1"}, "inactive": "no"}]},
        "structure: body -> member -> 0 -> inactive — Input should be a valid boolean, unable",
    ),
    (
        characteristic(exclude=None),
        "invalid: body -> characteristic -> 0 -> exclude — Value for the field 'exclude' is",
    ),
    (characteristic(code=None), "required: body -> characteristic -> 0 -> code — Field required"),
    (
        characteristic(valueBoolean=None),
        "value: body -> characteristic -> 0 — Value error, Expect any of field value from",
    ),
    (
        characteristic(valueRange={}),
        "value: body -> characteristic -> 0 — Value error, Any of one field value is expected",
    ),
    (
        {"characteristic": [CODE | {"valueQuantity": {"value": "1"}}]},
        "value: body -> characteristic -> 0 -> valueQuantity -> value — Decimal input should be",
    ),
]


@pytest.mark.parametrize(("change", "issue"), WRONG)
async def test_a_wrong_body_is_400(client, change, issue):
    """Each mistake is one issue that leads with its path, in a create and in an update."""
    body = {name: value for name, value in (BODY | change).items() if value is not None}
    status, (text,) = await client.refused("POST", "/Group", json=body)
    assert (status, text[: len(issue)]) == (400, issue)
    url, body = f"/Group/{TEST_GROUP_ID}", body | {"id": TEST_GROUP_ID}
    assert await client.refused("PUT", url, json=body) == (400, [text])


async def test_every_mistake_is_an_issue(client):
    """A body with several mistakes gets all of them at once."""
    body = {"resourceType": "Group", "actual": "maybe", "name": "", "nope": 1, "member": [{}]}
    status, issues = await client.refused("POST", "/Group", json=body)
    assert status == 400
    assert [issue.partition(" —")[0] for issue in issues] == [
        "structure: body -> actual",
        "value: body -> name",
        "structure: body -> nope",
        "required: body -> member -> 0 -> entity",
        "invalid: body -> type",
    ]


@pytest.mark.parametrize(
    ("content", "issue"),
    [
        (b"{bad", "invalid: body — JSON decode error (type=json_invalid; error="),
        (b"", "invalid: body — JSON decode error"),
        (b'{"name": "\xff"}', "invalid: body — JSON decode error"),
        (b"[" * 100_000, "invalid: body — JSON decode error"),
        (b"null", "required: body — Field required (type=missing)"),
        (b"[1]", "value: body — Input should be a valid dictionary"),
        (b'"x"', "value: body — Input should be a valid dictionary"),
    ],
)
async def test_a_body_that_is_no_object_is_400(client, content, issue):
    """Broken JSON and JSON of another shape are refused in words."""
    headers = {"Content-Type": "application/json"}
    status, (text,) = await client.refused("POST", "/Group", content=content, headers=headers)
    assert status == 400
    assert text.startswith(issue)


def test_nulls_and_primitive_extensions_pass():
    """A null stands for an absent element; `_x` carries the id and extensions of `x`."""
    extension = {"extension": [{"url": "u", "valueString": "v"}]}
    meta = {"profile": ["a", "b"], "_profile": [None, extension]}
    assert check_group(BODY | {"active": None, "_name": extension, "meta": meta}) == []


async def test_a_null_is_not_kept(client):
    """A top-level null is dropped, as FHIR has no nulls."""
    assert "active" not in await client.group(await client.created(active=None))


@pytest.mark.parametrize(
    ("reference", "kind"),
    [
        ("Patient/1", "Patient"),
        ("https://other.test/fhir/Patient/1", "Patient"),
        ("Patient", None),
        ("Patient/", None),
        ("Patient/a b", None),
        ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520", None),
        ("#contained", None),
    ],
)
def test_a_reference_names_its_kind(reference, kind):
    """Relative and absolute references are read; anything else is none."""
    assert kind_of(reference) == kind


async def test_a_member_may_be_named_by_an_identifier(client):
    """FHIR's logical references are kept, though no search finds them."""
    member = {"entity": {"identifier": {"system": "https://example.org/mrn", "value": "1"}}}
    group = await client.group(await client.created(member=[member]))
    assert group["member"] == [member]


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        ("person", "Practitioner/1"),
        ("person", "Device/1"),
        ("animal", "Practitioner/1"),
        ("practitioner", "Patient/1"),
        ("device", "Patient/1"),
        ("medication", "Substance/1"),
        ("substance", "Medication/1"),
    ],
)
async def test_members_must_fit_the_type(client, kind, reference):
    """A group's type decides who may be a member; others are a broken rule."""
    body = BODY | {"type": kind, "member": [{"entity": {"reference": reference}}]}
    member = reference.partition("/")[0]
    assert await client.refused("POST", "/Group", json=body) == (
        422,
        [f"business-rule: {member} cannot be a member of a group of type '{kind}'"],
    )


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        ("person", "Group/1"),
        ("animal", "Patient/1"),
        ("practitioner", "PractitionerRole/1"),
        ("device", "Device/1"),
        ("medication", "Medication/1"),
        ("substance", "Substance/1"),
    ],
)
async def test_members_that_fit_are_kept(client, kind, reference):
    """Every type takes its own kind, and groups."""
    member = [{"entity": {"reference": reference}}]
    assert (await client.group(await client.created(type=kind, member=member)))["member"] == member


async def test_a_responsibility_belongs_to_one_team(client):
    """A responsibility that another team holds is refused by name."""
    held = TEAM_RESPONSIBILITIES[0]
    body = BODY | {"type": "practitioner", "characteristic": responsible(held)}
    clash = f"business-rule: Responsibility '{held}' is already assigned to another team"
    assert await client.refused("POST", "/Group", json=body) == (422, [clash])
    hidden = await client.group(HIDDEN_TEAM_ID) | {"characteristic": responsible(held)}
    assert await client.refused("PUT", f"/Group/{HIDDEN_TEAM_ID}", json=hidden) == (422, [clash])


async def test_a_team_keeps_what_it_holds(client):
    """An update may repeat the team's own responsibilities and add free ones."""
    wanted = [*TEAM_RESPONSIBILITIES, *UNASSIGNED_RESPONSIBILITIES]
    team = await client.group(TEAM_ID) | {"characteristic": responsible(*wanted)}
    assert (await client.put_group(team)).status_code == 200
    assert (await client.group(TEAM_ID))["characteristic"] == responsible(*wanted)


async def test_a_responsibility_given_up_is_free(client):
    """What one team lets go another may take."""
    team = await client.group(TEAM_ID)
    del team["characteristic"]
    assert (await client.put_group(team)).status_code == 200
    free = responsible(*TEAM_RESPONSIBILITIES)
    assert await client.created(type="practitioner", characteristic=free)


async def test_an_excluded_responsibility_is_not_held(client):
    """A characteristic with `exclude` says what the team does not do."""
    excluded = [item | {"exclude": True} for item in responsible(TEAM_RESPONSIBILITIES[0])]
    assert await client.created(type="practitioner", characteristic=excluded)


@pytest.mark.parametrize("code", ["MAKE_COFFEE", "review_coverages", " "])
async def test_an_unknown_responsibility_is_422(client, code):
    """Only the eleven codes are known."""
    body = BODY | {"type": "practitioner", "characteristic": responsible(code)}
    assert await client.refused("POST", "/Group", json=body) == (
        422,
        [f"business-rule: Unknown responsibility '{code}'"],
    )


async def test_patient_groups_have_no_responsibilities(client):
    """Responsibilities are for teams."""
    body = BODY | {"characteristic": responsible(UNASSIGNED_RESPONSIBILITIES[0])}
    status, (issue,) = await client.refused("POST", "/Group", json=body)
    assert (status, issue.partition(":")[0]) == (422, "business-rule")


def test_there_are_eleven_responsibilities():
    """As many as the vendor documents, each once."""
    assert len(set(RESPONSIBILITIES)) == 11
