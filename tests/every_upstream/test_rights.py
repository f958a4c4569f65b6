"""The upstream decides what a token may do, and the gateway says so in one way."""

import asyncio

import pytest

from every_upstream.documents import ADD, CREATE, GROUP, GROUPS, UPDATE
from every_upstream.harness import Recorder
from upstreams.answers import all_ids, client_for
from upstreams.seeding import group as make_group


def codes(answer):
    """Return the codes of an answer's errors."""
    return {error["extensions"]["code"] for error in answer["errors"]}


async def test_the_reading_token_reads(gateway, seeded):
    """`sandbox-read` reads what there is."""
    data = await gateway.data(GROUP, id=seeded.teams[0], token="sandbox-read")
    assert data["group"]["name"] == "Team 0"
    assert (await gateway.data(GROUPS, token="sandbox-read"))["groups"]["edges"]


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (CREATE, {"type": "PERSON", "name": "Refused"}),
        (UPDATE, {"id": "{id}", "name": "Refused"}),
        (ADD, {"groupId": "{id}", "members": [{"reference": "Patient/refused"}]}),
    ],
    ids=["create", "update", "add"],
)
async def test_the_reading_token_does_not_write(gateway, fhir, seeded, document, wanted):
    """A write of `sandbox-read` is an error with code FORBIDDEN, and changes nothing."""
    id = seeded.person_groups[1]
    before = await fhir.read(id)
    named = {key: id if value == "{id}" else value for key, value in wanted.items()}
    answer = await gateway(document, token="sandbox-read", input=named)
    assert set(answer["data"].values()) == {None}
    assert codes(answer) == {"FORBIDDEN"}
    assert await fhir.read(id) == before


async def test_the_other_token_does_not_write_what_it_does_not_see(gateway, upstream, fhir):
    """A hidden group is refused or absent to a write too, and stays as it is."""
    names = [f"Hidden {number}" for number in range(8)]
    ids = [await fhir.create(make_group(name, "Patient", [1])) for name in names]
    with client_for(upstream, "sandbox-other") as client:
        hidden = [id for id in ids if client.get(f"/Group/{id}").status_code != 200]
    assert hidden
    before = await fhir.read(hidden[0])
    wanted = {"groupId": hidden[0], "members": [{"reference": "Patient/p9"}]}
    answer = await gateway(ADD, token="sandbox-other", input=wanted)
    if "errors" in answer:
        assert (answer["data"], codes(answer)) == ({"addGroupMembers": None}, {"FORBIDDEN"})
    else:
        payload = answer["data"]["addGroupMembers"]
        assert payload["group"] is None
        assert [issue["code"] for issue in payload["issues"]] == ["not-found"]
    assert await fhir.read(hidden[0]) == before


@pytest.mark.usefixtures("seeded")
async def test_the_other_token_sees_its_half(gateway, upstream):
    """`sandbox-other` finds what the upstream shows it, whatever others found before.

    The total is the upstream's own: HAPI counts what it then hides.
    """
    with client_for(upstream, "sandbox-other") as client:
        visible = all_ids(client, "_count=100")
        counted = client.get("/Group?_count=100").json().get("total", len(visible))
    everything = await gateway.data(GROUPS, first=1000)
    shown = await gateway.data(GROUPS, first=1000, token="sandbox-other")
    ids = [edge["node"]["id"] for edge in shown["groups"]["edges"]]
    assert ids == visible
    assert ids
    assert shown["groups"]["totalCount"] in {len(ids), counted}
    assert len(everything["groups"]["edges"]) > len(visible)


async def test_the_other_token_gets_no_hidden_group(gateway, upstream, seeded):
    """A hidden group is null by id and absent from lists, whichever caller read it before."""
    with client_for(upstream, "sandbox-other") as client:
        visible = set(all_ids(client, "type=person&_count=100"))
    hidden = [id for id in seeded.person_groups if id not in visible]
    seen = [id for id in seeded.person_groups if id in visible]
    assert hidden
    assert seen
    assert (await gateway.data(GROUP, id=hidden[0]))["group"]
    answer = await gateway(GROUP, id=hidden[0], token="sandbox-other")
    assert answer["data"] == {"group": None}
    assert "errors" not in answer or codes(answer) == {"FORBIDDEN"}
    ids = [*hidden, *seen]
    data = await gateway.data(GROUPS, filter={"id": ids}, first=100, token="sandbox-other")
    assert [edge["node"]["id"] for edge in data["groups"]["edges"]] == seen


async def test_two_callers_at_the_same_moment(gateway, upstream, fhir):
    """Parallel requests of two callers share no answer."""
    names = [f"Moment {number}" for number in range(8)]
    ids = await asyncio.gather(*(fhir.create(make_group(n, "Patient", [])) for n in names))
    with client_for(upstream, "sandbox-other") as client:
        expected = [client.get(f"/Group/{id}").status_code == 200 for id in ids]
    asked = [
        gateway(GROUP, id=id, token=token) for id in ids for token in ("sandbox", "sandbox-other")
    ]
    answers = [answer["data"]["group"] is not None for answer in await asyncio.gather(*asked)]
    assert answers[::2] == [True] * len(ids)
    assert answers[1::2] == expected


@pytest.mark.parametrize("document", [GROUP, GROUPS, CREATE], ids=["group", "groups", "create"])
async def test_a_wrong_token(gateway, seeded, document):
    """A token that the upstream does not know is UNAUTHENTICATED, in reads and writes alike."""
    variables = {"id": seeded.teams[0], "input": {"type": "PERSON", "name": "Nobody's"}}
    named = {name: value for name, value in variables.items() if f"${name}:" in document}
    answer = await gateway(document, token="wrong", **named)
    assert not (answer["data"] or {}).get("group")
    assert codes(answer) == {"UNAUTHENTICATED"}


async def test_no_token(make_gateway, seeded):
    """Without a token nothing reaches the upstream."""
    recorder = Recorder()
    gateway = await make_gateway(transport=recorder)
    body = {"query": GROUP, "variables": {"id": seeded.teams[0]}}
    answer = (await gateway.http.post("/graphql", json=body)).json()
    assert codes(answer) == {"UNAUTHENTICATED"}
    assert recorder.calls == []
