"""The GraphQL documents of the core tests."""

EVERYTHING = """
fragment Concept on CodeableConcept {
  coding { system version code display userSelected }
  text
}
fragment Amount on Quantity { value comparator unit system code }
fragment Everything on Group {
  id resourceType active type actual name quantity responsibilities version
  meta { versionId lastUpdated }
  identifier { use type { ...Concept } system value period { start end } }
  code { ...Concept }
  managingEntity {
    reference type display identifier { system value } resource { __typename }
  }
  characteristic {
    code { ...Concept } exclude period { start end }
    valueCodeableConcept { ...Concept } valueBoolean valueQuantity { ...Amount }
    valueRange { low { ...Amount } high { ...Amount } } valueReference { reference type }
  }
  member {
    entity { reference type resource { __typename ... on Patient { id } } }
    period { start end } inactive
  }
}
"""

GROUP = "query ($id: ID!) { group(id: $id) { ...Everything } }" + EVERYTHING

VERSION = "query ($id: ID!) { group(id: $id) { version name } }"

GROUPS = """
query ($filter: GroupFilter, $first: Int, $after: String, $last: Int, $before: String) {
  groups(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id type } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount
  }
}
"""

ISSUES = "issues { severity code details { text } inputPath }"

CREATE = (
    "mutation ($input: CreateGroupInput!) { createGroup(input: $input) "
    "{ group { ...Everything } " + ISSUES + " } }" + EVERYTHING
)


def change(field: str, selection: str = "id name active member { entity { reference } }") -> str:
    """Return the document of a mutation such as `addGroupMembers`, with `$input`."""
    input_type = f"{field[:1].upper()}{field[1:]}Input"
    return (
        f"mutation ($input: {input_type}!) "
        f"{{ {field}(input: $input) {{ group {{ {selection} version }} {ISSUES} }} }}"
    )


UPDATE = change("updateGroup")
ADD = change("addGroupMembers")
REMOVE = change("removeGroupMembers")
ASSIGN = change("setGroupResponsibilities", "id responsibilities characteristic { code { text } }")
