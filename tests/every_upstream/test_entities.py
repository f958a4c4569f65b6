"""Federation's `_entities` is the same on every upstream."""

ENTITIES = """
query ($representations: [_Any!]!, $first: Int, $after: String, $type: GroupType) {
  _entities(representations: $representations) {
    __typename
    ... on Group { id name }
    ... on Patient { id groups(first: $first, after: $after, type: $type) { ...Page } }
    ... on Practitioner { id groups(first: $first, after: $after, type: $type) { ...Page } }
  }
}
fragment Page on GroupConnection {
  nodes { id } totalCount pageInfo { hasNextPage endCursor }
}
"""


def represent(type, *ids):
    """Make representations."""
    return [{"__typename": type, "id": id} for id in ids]


def ids_of(entity):
    """Return the ids of an entity's groups."""
    return [node["id"] for node in entity["groups"]["nodes"]]


async def test_the_groups_of_patients_and_practitioners(gateway, seeded):
    """People of other subgraphs get their groups, each its own."""
    people = [
        *represent("Patient", seeded.shared_patient, f"{2007:032x}", f"{424242:032x}"),
        *represent("Practitioner", f"{0:032x}", f"{21:032x}"),
    ]
    entities = (await gateway.data(ENTITIES, representations=people))["_entities"]
    assert [entity["__typename"] for entity in entities] == [p["__typename"] for p in people]
    assert [ids_of(entity) for entity in entities] == [
        list(seeded.shared_patient_groups),
        [seeded.large_group],
        [],
        [seeded.teams[0]],
        [seeded.teams[2]],
    ]
    assert [entity["groups"]["totalCount"] for entity in entities] == [5, 1, 0, 1, 1]


async def test_a_patients_groups_by_type(gateway, seeded):
    """The groups of a person can be narrowed by type."""
    patient = represent("Patient", seeded.shared_patient)
    for type, expected in (("PERSON", list(seeded.shared_patient_groups)), ("PRACTITIONER", [])):
        [entity] = (await gateway.data(ENTITIES, representations=patient, type=type))["_entities"]
        assert ids_of(entity) == expected


async def test_the_pages_of_a_patients_groups(gateway, seeded):
    """The groups of a person come in pages too."""
    patient = represent("Patient", seeded.shared_patient)
    found, after, more = [], None, True
    while more:
        [entity] = (await gateway.data(ENTITIES, representations=patient, first=2, after=after))[
            "_entities"
        ]
        found += ids_of(entity)
        info = entity["groups"]["pageInfo"]
        more, after = info["hasNextPage"], info["endCursor"]
    assert found == list(seeded.shared_patient_groups)


async def test_groups_by_key(gateway, seeded):
    """Groups are resolved by key in the order asked; an absent one is null, without an error."""
    asked = represent("Group", seeded.teams[1], "no-such-group", seeded.teams[0])
    assert (await gateway.data(ENTITIES, representations=asked))["_entities"] == [
        {"__typename": "Group", "id": seeded.teams[1], "name": "Team 1"},
        None,
        {"__typename": "Group", "id": seeded.teams[0], "name": "Team 0"},
    ]
