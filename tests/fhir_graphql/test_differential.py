"""The same question, asked in two ways, has the same response."""

import random
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_graphql.memory_server import MemoryServer
from frontdoor import opened
from group_gateway.app import create_app
from group_gateway.config import Settings

SHARED = [
    "id resourceType active type actual name quantity",
    "meta{versionId lastUpdated source profile tag{system code}}",
    "identifier{use system value period{start end}}",
    "code{text coding{system version code display userSelected}}",
    "managingEntity{reference type display}",
    "characteristic{code{text coding{code}} exclude period{start end} valueBoolean}",
    "characteristic{valueCodeableConcept{text coding{code}} valueReference{reference}}",
    "member{entity{reference type display} period{start end}}",
]
"""Selections that mean the same in both schemas."""


def as_hl7(value: Any) -> Any:
    """Return what HL7's interface shows for a value of the other one: absent lists are null."""
    if isinstance(value, dict):
        return {k: as_hl7(v) for k, v in value.items()}
    if isinstance(value, list):
        return [as_hl7(item) for item in value] or None
    return value


@pytest.mark.parametrize("selection", SHARED)
@pytest.mark.parametrize("id", ["g1", "g2", "g3", "refs"])
async def test_both_faces(fhir, selection, id):
    """One model, two faces: both show the same elements of a group."""
    query = f'{{group(id: "{id}"){{{selection}}}}}'
    headers = {"authorization": "Bearer t"}
    response = await fhir.http.post("/graphql", json={"query": query}, headers=headers)
    ours = (await fhir.data(f"{{Group(id: {id}){{{selection}}}}}"))["Group"]
    theirs = as_hl7(response.json()["data"]["group"])
    if theirs.get("type"):
        theirs["type"] = theirs["type"].lower()
    assert ours == theirs


async def test_both_faces_list_the_same(fhir):
    """A list has the groups of the connection, in its order."""
    headers = {"authorization": "Bearer t"}
    query = "{groups(filter: {type: PERSON}){nodes{id name}}}"
    response = await fhir.http.post("/graphql", json={"query": query}, headers=headers)
    ours = await fhir.data("{GroupList(type: person){id name}}")
    assert ours["GroupList"] == response.json()["data"]["groups"]["nodes"]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 2**33),
    st.text("aé", max_size=3),
    st.lists(st.text("a", max_size=2), max_size=2),
    st.fixed_dictionaries({}, optional={"text": st.text("a", max_size=2), "id": st.integers()}),
)
NAMES = ("name", "active", "quantity", "type", "code", "text", "member", "identifier", "_name")


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(NAMES), VALUES), st.integers(0, 2**32))
async def test_compiled_selections(elements, seed):
    """Whatever the upstream sends, a compiled selection answers as graphql-core does."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    parts = [
        "id", "__typename", "resourceType", "name", "active", "quantity", "type", "n: name",
        "code{text id coding{code}}", "text{status div}", "member{entity{reference} inactive}",
        "identifier{value use}", "identifier(use: old){value}", "_name{id extension{url}}",
        "...on Group{language}", "meta{versionId profile}",
    ]  # fmt: skip
    selection = " ".join(chance.sample(parts, chance.randint(1, 6)))
    answers = [await _asked(elements, f"{{Group(id: x){{{selection}}}}}", c) for c in (True, False)]
    assert answers[0] == answers[1]


async def _asked(elements: dict[str, Any], query: str, compiled: bool) -> Any:  # noqa: FBT001
    server = MemoryServer()
    server.put({"resourceType": "Group", "id": "x", **elements})
    chosen = Settings(upstream_url="http://upstream.test", fhir_graphql=True, compiled=compiled)
    app = create_app(chosen, transport=httpx.ASGITransport(app=server.app()))
    async with opened(app) as gateway:
        response = await gateway.http.post(
            "/fhir/$graphql", json={"query": query}, headers={"authorization": "Bearer t"}
        )
        answer = response.json()
    for error in answer.get("errors", []):
        del error["extensions"]["correlationId"]
    return response.status_code, answer
