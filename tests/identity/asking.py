"""What the tests here ask for, and how they read the answer."""

from typing import Any

from group_gateway.sandbox.wellknown import TEST_GROUP_ID

NAME = f'{{ group(id: "{TEST_GROUP_ID}") {{ name }} }}'
LIST = "{ groups(first: 3) { nodes { name } } }"
RENAME = f"""mutation {{
  updateGroup(input: {{ id: "{TEST_GROUP_ID}", name: "Renamed" }}) {{
    group {{ name }} issues {{ code }}
  }}
}}"""
CREATE = """mutation {
  createGroup(input: { type: PERSON, name: "Made" }) { group { name } issues { code } }
}"""
FOUND = {"data": {"group": {"name": "Test Group"}}}


def code(answer: Any) -> str:
    """Return the code of an answer's only error."""
    [error] = answer["errors"]
    return str(error["extensions"]["code"])


def message(answer: Any) -> str:
    """Return the text of an answer's only error."""
    [error] = answer["errors"]
    return str(error["message"])
