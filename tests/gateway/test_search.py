"""Searches that the upstream ignores or refuses are never passed off as if it had obeyed."""

from collections.abc import Callable
from typing import Any

import pytest

from conftest import Sandbox
from frontdoor import Gateway
from group_gateway.sandbox import FaultRule
from group_gateway.sandbox.wellknown import SEED_PATIENT_ID, TEST_GROUP_ID, TEST_GROUP_TWIN_ID

OF_PATIENT = """
query ($patient: ID!) { groups(filter: { patient: $patient }) { totalCount nodes { id } } }
"""
TEAMS = "{ groups(filter: { type: PRACTITIONER }, first: 100) { totalCount nodes { type } } }"
QUIRKS: list[dict[str, Any]] = [
    {},
    {"ignore_parameters": ["patient"]},
    {"ignore_parameters": ["patient", "type"]},
    {"member_parameter": True},
    {"ignore_parameters": ["patient"], "no_total": True},
    {"ignore_parameters": ["patient"], "opaque_links": True},
    {"faults": (FaultRule(kind="status", status=400, pattern="patient="),)},
]


@pytest.mark.parametrize("quirks", QUIRKS, ids=str)
async def test_a_patients_groups_are_found_however_the_upstream_searches(
    gateway: Gateway, sandbox: Sandbox, quirks: dict[str, Any]
) -> None:
    """Applied, ignored, refused or otherwise named: groups and count are the same."""
    sandbox.use(**quirks)
    groups = (await gateway.data(OF_PATIENT, patient=SEED_PATIENT_ID))["groups"]
    assert {node["id"] for node in groups["nodes"]} == {TEST_GROUP_ID, TEST_GROUP_TWIN_ID}
    assert groups["totalCount"] == 2


@pytest.mark.parametrize("quirks", QUIRKS[:3], ids=str)
async def test_a_type_is_found_however_the_upstream_searches(
    gateway: Gateway, sandbox: Sandbox, quirks: dict[str, Any]
) -> None:
    """Only teams come back, all of them, also where `type` is ignored."""
    sandbox.use(**quirks)
    groups = (await gateway.data(TEAMS))["groups"]
    assert {node["type"] for node in groups["nodes"]} == {"PRACTITIONER"}
    assert groups["totalCount"] == len(groups["nodes"]) == 20


async def test_an_ignored_search_is_not_tried_again_at_once(
    make_gateway: Callable[..., Any], sandbox: Sandbox
) -> None:
    """What was learned of a parameter is kept for the next request."""
    sandbox.use(ignore_parameters=["patient"])
    gateway: Gateway = await make_gateway(cache_ttl=0.0)
    await gateway.data(OF_PATIENT, patient=SEED_PATIENT_ID)
    sandbox.forget_calls()
    await gateway.data(OF_PATIENT, patient=SEED_PATIENT_ID)
    assert not [call for call in sandbox.calls if "patient" in call]


async def test_a_practitioner_is_found_without_a_search_for_members(gateway: Gateway) -> None:
    """Canvas has no search by practitioner: the gateway looks through the groups."""
    teams = await gateway.data(
        "{ groups(filter: { type: PRACTITIONER }) { nodes { id"
        " member { entity { reference } } } } }"
    )
    team = teams["groups"]["nodes"][0]
    practitioner = team["member"][0]["entity"]["reference"].removeprefix("Practitioner/")
    found = await gateway.data(
        "query ($id: ID!) { groups(filter: { practitioner: $id }) { nodes { id } } }",
        id=practitioner,
    )
    assert team["id"] in {node["id"] for node in found["groups"]["nodes"]}


async def test_a_total_that_is_not_selected_is_not_asked_for(
    gateway: Gateway, sandbox: Sandbox
) -> None:
    """Nodes cost one call, and nodes with their count cost no more."""
    await gateway.data("{ groups(first: 5) { nodes { id } } }")
    assert len(sandbox.calls) == 1
    await gateway.data("{ groups(first: 6) { totalCount nodes { id } } }")
    assert len(sandbox.calls) == 2
