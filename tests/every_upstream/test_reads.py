"""Reads of single groups are the same on every upstream."""

from every_upstream.documents import GROUP
from every_upstream.harness import Recorder, members_of
from upstreams.seeding import group as make_group

RICH = {
    "resourceType": "Group",
    "identifier": [
        {
            "use": "official",
            "type": {"text": "cohort"},
            "system": "https://example.org/cohorts",
            "value": "C-1",
            "period": {"start": "2024-01-01"},
        }
    ],
    "active": True,
    "type": "person",
    "actual": True,
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "1", "display": "One"}]},
    "name": "Rich",
    "managingEntity": {"reference": "Organization/o1", "display": "Clinic"},
    "characteristic": [
        {"code": {"text": "a"}, "valueCodeableConcept": {"text": "A"}, "exclude": False},
        {"code": {"text": "b"}, "valueBoolean": True, "exclude": True},
        {
            "code": {"text": "c"},
            "valueQuantity": {"value": 70.5, "unit": "kg", "comparator": "<"},
            "exclude": False,
            "period": {"end": "2025-12-31"},
        },
        {
            "code": {"text": "d"},
            "valueRange": {"low": {"value": 1.5}, "high": {"value": 2.5, "unit": "m"}},
            "exclude": False,
        },
        {"code": {"text": "e"}, "valueReference": {"reference": "Location/1"}, "exclude": False},
    ],
    "member": [
        {
            "entity": {"reference": "Patient/p1", "type": "Patient"},
            "period": {"start": "2024-01-01", "end": "2024-02"},
            "inactive": True,
        },
        {"entity": {"reference": "Patient/p2"}},
    ],
}


async def test_every_field_of_a_group(gateway, fhir):
    """All that a group holds is shown; what only some upstreams keep is as they say."""
    id = await fhir.create(RICH)
    stored = await fhir.read(id)
    shown = (await gateway.data(GROUP, id=id))["group"]
    assert shown.pop("version")
    meta = stored.get("meta")
    none = {"coding": [], "text": None}
    concept = {"valueCodeableConcept": None}
    blank = concept | {
        "valueBoolean": None,
        "valueQuantity": None,
        "valueRange": None,
        "valueReference": None,
        "exclude": False,
        "period": None,
    }
    amount = {"value": None, "comparator": None, "unit": None, "system": None, "code": None}
    assert shown == {
        "id": id,
        "resourceType": "Group",
        "active": True,
        "type": "PERSON",
        "actual": True,
        "name": "Rich",
        "quantity": stored.get("quantity"),
        "responsibilities": [],
        "meta": meta and {name: meta.get(name) for name in ("versionId", "lastUpdated")},
        "identifier": [
            {
                "use": "official",
                "type": none | {"text": "cohort"},
                "system": "https://example.org/cohorts",
                "value": "C-1",
                "period": {"start": "2024-01-01", "end": None},
            }
        ],
        "code": {
            "coding": [
                {
                    "system": "http://snomed.info/sct",
                    "version": None,
                    "code": "1",
                    "display": "One",
                    "userSelected": None,
                }
            ],
            "text": None,
        },
        "managingEntity": {
            "reference": "Organization/o1",
            "type": None,
            "display": "Clinic",
            "identifier": None,
            "resource": None,
        },
        "characteristic": [
            blank | {"code": none | {"text": "a"}, "valueCodeableConcept": none | {"text": "A"}},
            blank | {"code": none | {"text": "b"}, "valueBoolean": True, "exclude": True},
            blank
            | {
                "code": none | {"text": "c"},
                "valueQuantity": amount | {"value": 70.5, "unit": "kg", "comparator": "<"},
                "period": {"start": None, "end": "2025-12-31"},
            },
            blank
            | {
                "code": none | {"text": "d"},
                "valueRange": {
                    "low": amount | {"value": 1.5},
                    "high": amount | {"value": 2.5, "unit": "m"},
                },
            },
            blank
            | {
                "code": none | {"text": "e"},
                "valueReference": {"reference": "Location/1", "type": None},
            },
        ],
        "member": [
            {
                "entity": {
                    "reference": "Patient/p1",
                    "type": "Patient",
                    "resource": {"__typename": "Patient", "id": "p1"},
                },
                "period": {"start": "2024-01-01", "end": "2024-02"},
                "inactive": True,
            },
            {
                "entity": {
                    "reference": "Patient/p2",
                    "type": None,
                    "resource": {"__typename": "Patient", "id": "p2"},
                },
                "period": None,
                "inactive": False,
            },
        ],
    }


async def test_a_group_without_members_has_an_empty_list(gateway, seeded):
    """An element that the upstream leaves out is an empty list, not null."""
    shown = (await gateway.data(GROUP, id=seeded.person_groups[4]))["group"]
    assert (shown["member"], shown["characteristic"], shown["identifier"]) == ([], [], [])


async def test_an_absent_group_is_null(gateway):
    """An unknown id is null without an error."""
    assert await gateway.data(GROUP, id="00000000-0000-4000-8000-000000000000") == {"group": None}


async def test_a_malformed_id_reaches_no_upstream(make_gateway):
    """An id that could change the URL is the caller's mistake, found before any call."""
    recorder = Recorder()
    gateway = await make_gateway(transport=recorder)
    for id in ("a b", "../Patient/1", "..", "x" * 65, "ä", ""):
        answer = await gateway(GROUP, id=id)
        assert answer["data"] == {"group": None}
        assert [e["extensions"]["code"] for e in answer["errors"]] == ["BAD_USER_INPUT"]
    assert recorder.calls == []


async def test_fifty_aliases(make_gateway, fhir, upstream):
    """Fifty groups in one operation are one search, or else reads without another try.

    The first operation finds out which, and is within its budget of fifty calls all the same.
    """
    names = [f"Alias {number}" for number in range(50)]
    ids = [await fhir.create(make_group(name, "Patient", [1])) for name in names]
    document = " ".join(f'g{i}: group(id: "{id}") {{ id name }}' for i, id in enumerate(ids))
    expected = {
        f"g{i}": {"id": id, "name": name}
        for i, (id, name) in enumerate(zip(ids, names, strict=True))
    }
    recorder = Recorder()
    gateway = await make_gateway(transport=recorder)
    assert await gateway.data(f"{{ {document} }}") == expected
    recorder.calls.clear()
    assert await gateway.data(f"{{ {document} }}", token="sandbox-read") == expected
    assert len(recorder.calls) == (50 if upstream.name == "fhirstarter" else 1)


async def test_a_missing_group_among_others(gateway, seeded):
    """One absent id of many is null at its place; the other groups are present."""
    document = "query ($a: ID!, $b: ID!, $c: ID!) { a: group(id: $a) { id } b: group(id: $b) { id }"
    document += " c: group(id: $c) { id } }"
    first, second = seeded.teams[:2]
    data = await gateway.data(document, a=first, b="no-such-group", c=second)
    assert data == {"a": {"id": first}, "b": None, "c": {"id": second}}


async def test_paging_inside_a_large_group(gateway, seeded, fhir):
    """The pages of a group's members hold each member once, in the upstream's order."""
    document = """
      query ($id: ID!, $after: String) { group(id: $id) { members(first: 40, after: $after) {
        nodes { entity { reference } } totalCount pageInfo { hasNextPage endCursor }
      } } }"""
    found, sizes, after = [], [], None
    more = True
    while more:
        data = await gateway.data(document, id=seeded.large_group, after=after)
        page = data["group"]["members"]
        assert page["totalCount"] == 150
        sizes.append(len(page["nodes"]))
        found += [node["entity"]["reference"] for node in page["nodes"]]
        more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
    assert sizes == [40, 40, 40, 30]
    assert found == members_of(await fhir.read(seeded.large_group))


async def test_a_part_of_the_members(gateway, seeded):
    """`member` is cut as its arguments say."""
    document = "query ($id: ID!) { group(id: $id) { member(offset: 148, count: 5) { inactive "
    document += "entity { reference } } } }"
    member = (await gateway.data(document, id=seeded.large_group))["group"]["member"]
    assert member == [
        {"inactive": False, "entity": {"reference": f"Patient/{number:032x}"}}
        for number in (2148, 2149)
    ]
