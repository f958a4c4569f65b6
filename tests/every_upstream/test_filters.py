"""Filters are right on every upstream: whether it applies, ignores or refuses a parameter."""

import pytest

from every_upstream.documents import GROUPS
from every_upstream.harness import Recorder

NOBODY = f"{424242:032x}"


def practitioner_of(number):
    """Return a practitioner of the seeded team of this number."""
    return f"{10 * number:032x}"


async def found(gateway, **wanted):
    """Return the ids of the groups that fit, up to a thousand."""
    connection = (await gateway.data(GROUPS, first=1000, filter=wanted))["groups"]
    return [edge["node"]["id"] for edge in connection["edges"]]


@pytest.mark.parametrize("type", ["PERSON", "PRACTITIONER"])
async def test_by_type(gateway, seeded, type):
    """All groups of a type are found, and none of another."""
    connection = (await gateway.data(GROUPS, first=1000, filter={"type": type}))["groups"]
    ids = {edge["node"]["id"] for edge in connection["edges"]}
    persons = {*seeded.person_groups, seeded.large_group}
    fitting, others = (persons, seeded.teams) if type == "PERSON" else (seeded.teams, persons)
    assert set(fitting) <= ids
    assert not ids & set(others)
    assert {edge["node"]["type"] for edge in connection["edges"]} == {type}
    assert connection["totalCount"] == len(ids)


@pytest.mark.parametrize("more", [{}, {"type": "PERSON"}], ids=["alone", "and-type"])
async def test_by_patient(gateway, seeded, more):
    """A patient's groups are found, also together with their type."""
    ids = await found(gateway, patient=seeded.shared_patient, **more)
    assert ids == list(seeded.shared_patient_groups)


@pytest.mark.parametrize("more", [{}, {"type": "PERSON"}], ids=["alone", "and-type"])
async def test_a_patients_groups_are_one_search(make_gateway, seeded, more):
    """Each upstream is asked by the parameter that it knows, be it `patient` or `member`."""
    recorder = Recorder()
    gateway = await make_gateway(transport=recorder)
    document = "query ($filter: GroupFilter) { groups(filter: $filter) { nodes { id } } }"
    await gateway.data(document)  # how the upstream pages is learned once
    recorder.calls.clear()
    data = await gateway.data(document, filter={"patient": seeded.shared_patient, **more})
    assert [node["id"] for node in data["groups"]["nodes"]] == list(seeded.shared_patient_groups)
    assert [seeded.shared_patient in call for call in recorder.calls] == [True]


@pytest.mark.parametrize("more", [{}, {"type": "PRACTITIONER"}], ids=["alone", "and-type"])
async def test_by_practitioner(gateway, seeded, more):
    """A practitioner's teams are found, although not every upstream can search so."""
    ids = await found(gateway, practitioner=practitioner_of(3), **more)
    assert ids == [seeded.teams[3]]


async def test_by_id(gateway, seeded):
    """Groups are given in the order of their ids, each once, and absent ones are left out."""
    ids = [seeded.teams[2], seeded.person_groups[0], "no-such-group", seeded.teams[2]]
    assert await found(gateway, id=ids) == [seeded.teams[2], seeded.person_groups[0]]
    assert await found(gateway, id=[]) == []


async def test_by_id_and_more(gateway, seeded):
    """Ids go together with the other filters."""
    ids = [*seeded.teams, *seeded.person_groups[:6]]
    assert await found(gateway, id=ids, type="PRACTITIONER") == list(seeded.teams)
    of_patient = await found(gateway, id=ids, patient=seeded.shared_patient)
    assert of_patient == [seeded.person_groups[0], seeded.person_groups[5]]
    assert await found(gateway, id=ids, practitioner=practitioner_of(1)) == [seeded.teams[1]]


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    "wanted",
    [
        {"patient": NOBODY},
        {"practitioner": NOBODY},
        {"patient": NOBODY, "practitioner": practitioner_of(1)},
        {"patient": NOBODY, "type": "PERSON"},
        {"practitioner": practitioner_of(1), "type": "PERSON"},
        {"patient": practitioner_of(1)},
        {"type": "ANIMAL"},
    ],
    ids="-and-".join,
)
async def test_what_nothing_fits(gateway, wanted):
    """A filter that nothing fits gives nothing, never everything."""
    assert await found(gateway, **wanted) == []


async def test_patient_and_practitioner_together(gateway, seeded):
    """Both must be members: the groups of one alone don't fit."""
    ids = await found(gateway, patient=seeded.shared_patient, practitioner=practitioner_of(1))
    assert ids == []


async def test_a_filter_holds_when_asked_again(gateway, seeded):
    """What the first search taught about the upstream leaves later answers right."""
    for _ in range(3):
        assert await found(gateway, practitioner=practitioner_of(4)) == [seeded.teams[4]]
        ids = await found(gateway, patient=seeded.shared_patient, type="PERSON")
        assert ids == list(seeded.shared_patient_groups)


async def test_filters_without_a_capability_statement(make_gateway, seeded):
    """Without a CapabilityStatement, the responses suffice."""
    gateway = await make_gateway(transport=Recorder(hides_metadata=True))
    for _ in range(2):
        for more in ({}, {"type": "PERSON"}):
            ids = await found(gateway, patient=seeded.shared_patient, **more)
            assert ids == list(seeded.shared_patient_groups)
        for more in ({}, {"type": "PRACTITIONER"}):
            ids = await found(gateway, practitioner=practitioner_of(2), **more)
            assert ids == [seeded.teams[2]]


async def test_a_malformed_id_in_a_filter(gateway):
    """A filter's ids are checked like any."""
    for wanted in ({"patient": "a,b"}, {"practitioner": "a/b"}, {"id": ["a b"]}):
        answer = await gateway(GROUPS, filter=wanted)
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
