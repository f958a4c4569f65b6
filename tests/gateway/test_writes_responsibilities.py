"""Responsibilities of teams: one team has one, and a team has exactly those that were set."""

import pytest

from gateway.writing import ASSIGN, past, told, writes
from group_gateway.sandbox.wellknown import (
    EMPTY_GROUP_ID,
    HIDDEN_TEAM_ID,
    TEAM_ID,
    TEAM_RESPONSIBILITIES,
    UNASSIGNED_RESPONSIBILITIES,
)

TAKEN = "COLLECT_SPECIMENS_FROM_PATIENT"


async def test_a_clash_with_another_team(gateway, sandbox):
    """The upstream's refusal is data, at the responsibility that another team has."""
    wanted = {"groupId": TEAM_ID, "responsibilities": [*UNASSIGNED_RESPONSIBILITIES, TAKEN]}
    payload = (await gateway.data(ASSIGN, input=wanted))["setGroupResponsibilities"]
    assert told(payload) == [("ERROR", "business-rule", ["responsibilities", "3"])]
    assert payload["group"]["responsibilities"] == list(TEAM_RESPONSIBILITIES)
    assert HIDDEN_TEAM_ID not in str(payload)
    assert writes(sandbox) == ["PUT 422"]


@pytest.mark.parametrize("order", [1, -1])
async def test_the_same_responsibilities_again(gateway, sandbox, order):
    """Setting what a team has is no write, in whatever order."""
    wanted = {"groupId": TEAM_ID, "responsibilities": TEAM_RESPONSIBILITIES[::order]}
    payload = (await gateway.data(ASSIGN, input=wanted))["setGroupResponsibilities"]
    assert payload["issues"] == []
    assert payload["group"]["responsibilities"] == list(TEAM_RESPONSIBILITIES)
    assert writes(sandbox) == []


async def test_a_team_without_any(gateway, sandbox):
    """All can be taken away; the element goes too, or stays with what else it holds."""
    wanted = {"groupId": TEAM_ID, "responsibilities": []}
    payload = (await gateway.data(ASSIGN, input=wanted))["setGroupResponsibilities"]
    assert payload["issues"] == []
    assert payload["group"]["responsibilities"] == []
    async with past(sandbox) as fhir:
        assert not (await fhir.read(TEAM_ID)).get("characteristic")


async def test_only_a_team_has_responsibilities(gateway, sandbox):
    """A patient group is refused them without a PUT."""
    wanted = {"groupId": EMPTY_GROUP_ID, "responsibilities": ["REVIEW_COVERAGES"]}
    payload = (await gateway.data(ASSIGN, input=wanted))["setGroupResponsibilities"]
    assert told(payload) == [("ERROR", "business-rule", ["responsibilities"])]
    assert payload["group"]["id"] == EMPTY_GROUP_ID
    assert writes(sandbox) == []


async def test_a_responsibility_that_was_given_up_is_free(gateway):
    """What one team gives up another one may take."""
    give_up = {"groupId": HIDDEN_TEAM_ID, "responsibilities": []}
    await gateway.data(ASSIGN, input=give_up)
    take = {"groupId": TEAM_ID, "responsibilities": [TAKEN]}
    payload = (await gateway.data(ASSIGN, input=take))["setGroupResponsibilities"]
    assert payload["issues"] == []
    assert payload["group"]["responsibilities"] == [TAKEN]
