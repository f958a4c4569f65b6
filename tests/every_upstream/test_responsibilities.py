"""Teams' responsibilities: two upstreams know them, the third just stores characteristics."""

import pytest

from every_upstream.documents import ASSIGN, CREATE
from upstreams.seeding import group as make_group

FIRST, SECOND = "COLLECT_PATIENT_PAYMENTS", "REVIEW_ERA_POSTING_EXCEPTIONS"
"""Two that no other test's team holds."""


@pytest.fixture
async def make_team(fhir):
    """Yield a function that makes a team; what the teams hold is free again afterwards."""
    made = []

    async def make(**elements):
        id = await fhir.create(make_group("Responsible", "Practitioner", [1]) | elements)
        made.append(id)
        return id

    yield make
    for id in made:
        await fhir.change(id, characteristic=None)


async def assign(gateway, id, *codes):
    """Set a team's responsibilities; return the payload."""
    wanted = {"groupId": id, "responsibilities": list(codes)}
    return (await gateway.data(ASSIGN, input=wanted))["setGroupResponsibilities"]


def held(stored):
    """Return the responsibilities that a stored group carries, as the upstream keeps them."""
    return [
        each["valueCodeableConcept"]["text"]
        for each in stored.get("characteristic", ())
        if each["code"]["text"] == "responsibility"
    ]


async def test_responsibilities_are_set_and_taken_away(gateway, fhir, make_team):
    """A team has exactly the responsibilities named last; its other traits stay."""
    trait = {"code": {"text": "shift"}, "valueCodeableConcept": {"text": "night"}, "exclude": False}
    id = await make_team(characteristic=[trait])
    for wanted in ([FIRST, SECOND], [SECOND], []):
        payload = await assign(gateway, id, *wanted)
        assert payload["issues"] == []
        assert payload["group"]["responsibilities"] == wanted
        stored = await fhir.read(id)
        assert held(stored) == wanted
        assert stored["characteristic"][0] == trait


async def test_a_team_is_created_with_responsibilities(gateway, fhir):
    """Responsibilities can be given from the start."""
    wanted = {
        "type": "PRACTITIONER",
        "name": "Payments",
        "member": [{"reference": "Practitioner/d1"}],
        "responsibilities": [FIRST],
    }
    payload = (await gateway.data(CREATE, input=wanted))["createGroup"]
    assert payload["issues"] == []
    assert payload["group"]["responsibilities"] == [FIRST]
    id = payload["group"]["id"]
    assert held(await fhir.read(id)) == [FIRST]
    await fhir.change(id, characteristic=None)


@pytest.mark.parametrize("upstream", ["fhirstarter", "sandbox_server"], indirect=True)
async def test_a_responsibility_of_another_team(gateway, fhir, make_team):
    """Where one team at most may have a responsibility, the upstream's refusal comes as data."""
    owner, other = await make_team(), await make_team()
    assert (await assign(gateway, owner, FIRST))["issues"] == []
    payload = await assign(gateway, other, FIRST, SECOND)
    assert [(i["severity"], i["code"]) for i in payload["issues"]] == [("ERROR", "business-rule")]
    assert payload["group"]["responsibilities"] == []
    assert held(await fhir.read(other)) == []


async def test_only_teams_have_responsibilities(gateway, fhir):
    """A patient group is refused them, whatever the upstream would take."""
    id = await fhir.create(make_group("Patients", "Patient", []))
    payload = await assign(gateway, id, FIRST)
    assert [(i["severity"], i["code"]) for i in payload["issues"]] == [("ERROR", "business-rule")]
    assert "characteristic" not in await fhir.read(id)
