"""Cursors: opaque, versioned, bound to their question, and useless for anything else."""

import base64
import re

import pytest

from gateway.paging import GROUPS, one_page
from group_gateway.sandbox.wellknown import (
    MEDIUM_GROUP_ID,
    RICH_GROUP_ID,
    SEED_GROUP_IDS,
    SEED_PATIENT_ID,
)

MEMBERS = """query ($id: ID!, $after: String, $inactive: Boolean) {
  group(id: $id) {
    members(first: 2, after: $after, inactive: $inactive) {
      pageInfo { endCursor }
      nodes { inactive }
    }
  }
}"""


async def refusal(gateway, sandbox, query=GROUPS, **variables):
    """Send a query that is refused; return the codes and check that the upstream was not called."""
    sandbox.forget_calls()
    answer = await gateway(query, **variables)
    assert sandbox.calls == []
    return [error["extensions"]["code"] for error in answer["errors"]]


@pytest.fixture
async def cursor(gateway):
    """Return a cursor of the unfiltered list."""
    return (await one_page(gateway, first=3))["pageInfo"]["endCursor"]


async def test_a_cursor_is_opaque(cursor):
    """It goes into a URL as it is, and says which version it is of once it is decoded."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{20,300}", cursor)
    assert base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[:1] == b"1"


@pytest.mark.parametrize(
    "wanted",
    [{"type": "PERSON"}, {"patient": SEED_PATIENT_ID}, {"id": list(SEED_GROUP_IDS)}],
    ids=["type", "patient", "id"],
)
async def test_a_cursor_of_another_query(gateway, sandbox, cursor, wanted):
    """A cursor belongs to its filter, in both directions."""
    assert await refusal(gateway, sandbox, filter=wanted, first=1, after=cursor) == [
        "BAD_USER_INPUT"
    ]
    other = (await one_page(gateway, wanted, first=1))["pageInfo"]["endCursor"]
    assert await refusal(gateway, sandbox, last=1, before=other) == ["BAD_USER_INPUT"]


async def test_a_cursor_serves_any_page_of_its_query(gateway, cursor):
    """Size and direction are free; a filter that says the same is the same."""
    assert len((await one_page(gateway, first=1000, after=cursor))["edges"]) == 268
    assert len((await one_page(gateway, last=5, before=cursor))["edges"]) == 2
    assert len((await one_page(gateway, {"type": None}, first=7, after=cursor))["edges"]) == 7


def tampered(cursor):
    """Yield what people make of a cursor."""
    text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    for made in (
        text.replace("_offset", "_cursor"),
        text.replace("_count", "patient"),
        "0" + text[1:],
        "2" + text[1:],
        text[:1] + "0" * 16 + text[17:],
        text[:17],
        text[:17] + "[]",
        text + " ",
        "http://elsewhere.test/Group?_count=1",
    ):
        yield base64.urlsafe_b64encode(made.encode()).decode().rstrip("=")


GARBAGE = (
    "",
    " ",
    "x",
    "====",
    "MQ",
    "é",
    "\n",
    "null",
    "1",
    "a" * 100_000,
    "%00",
    "..",
    "😀" * 50,
)


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda text: ascii(text)[:12])
async def test_garbage(gateway, sandbox, garbage):
    """What is no cursor is the caller's mistake, everywhere."""
    assert await refusal(gateway, sandbox, first=1, after=garbage) == ["BAD_USER_INPUT"]
    assert await refusal(gateway, sandbox, last=1, before=garbage) == ["BAD_USER_INPUT"]
    ids = list(SEED_GROUP_IDS)
    assert await refusal(gateway, sandbox, filter={"id": ids}, after=garbage) == ["BAD_USER_INPUT"]
    await gateway.data("query ($id: ID!) { group(id: $id) { id } }", id=RICH_GROUP_ID)
    codes = await refusal(gateway, sandbox, MEMBERS, id=RICH_GROUP_ID, after=garbage)
    assert codes == ["BAD_USER_INPUT"]


async def test_tampering(gateway, sandbox, cursor):
    """A forged cursor is refused, so that no text of a caller's reaches the upstream."""
    for made in tampered(cursor):
        assert await refusal(gateway, sandbox, first=1, after=made) == ["BAD_USER_INPUT"]


async def test_a_cursor_of_another_gateway(make_gateway, sandbox, cursor):
    """Gateways with different secrets don't take each other's; replicas with the same do."""
    other = await make_gateway(secret="another secret of this one")
    assert await refusal(other, sandbox, first=1, after=cursor) == ["BAD_USER_INPUT"]
    replica = await make_gateway()
    assert len((await one_page(replica, first=4, after=cursor))["edges"]) == 4


async def test_a_cursor_of_another_caller(gateway, cursor):
    """A cursor is a position and no right: another caller continues there among its own groups."""
    page = await one_page(gateway, first=5, after=cursor, token="sandbox-other")
    assert all(edge["node"]["id"][0] in "02468ace" for edge in page["edges"])


async def test_a_cursor_of_another_groups_members(gateway, sandbox):
    """A cursor of members belongs to its group and to its `inactive`."""
    page = (await gateway.data(MEMBERS, id=RICH_GROUP_ID))["group"]["members"]
    cursor = page["pageInfo"]["endCursor"]
    assert (
        len((await gateway.data(MEMBERS, id=RICH_GROUP_ID, after=cursor))["group"]["members"]) == 2
    )
    await gateway.data(MEMBERS, id=MEDIUM_GROUP_ID)
    for variables in ({"id": MEDIUM_GROUP_ID}, {"id": RICH_GROUP_ID, "inactive": False}):
        codes = await refusal(gateway, sandbox, MEMBERS, after=cursor, **variables)
        assert codes == ["BAD_USER_INPUT"]
    assert await refusal(gateway, sandbox, first=1, after=cursor) == ["BAD_USER_INPUT"]
