"""What a write is bound to on each kind of server, and what is said where nothing guards it."""

import json
from typing import Any

import httpx
import pytest

from every_upstream.documents import change
from frontdoor import opened
from gateway.canned import outcome
from gateway.keeper import BASE, Keeper, group_of, payload_of, tell
from gateway.writing import members, patients, told
from group_gateway.app import create_app
from group_gateway.config import Settings

UPDATE = change("updateGroup", "id name")
ADD = change("addGroupMembers", "id")
REMOVE = change("removeGroupMembers", "id")
RENAME = {"id": "1", "name": "New"}


def written(keeper: Keeper) -> dict[str, str]:
    """Return the preconditions of the PUT."""
    [put] = [request for request in keeper.sent if request.method == "PUT"]
    return {name: put.headers[name] for name in put.headers if name.startswith("if-")}


def overtake(keeper: Keeper) -> None:
    """Change the group as another writer does."""
    keeper.write(active=False)


@pytest.mark.parametrize(
    ("shows", "expected"),
    [
        ({"etag": True, "version_id": True}, {"if-match": 'W/"1"'}),
        ({"etag": True}, {"if-match": 'W/"1"'}),
        ({"version_id": True}, {"if-match": 'W/"1"'}),
        ({"version_id": True, "names": "{}-a.b".format}, {"if-match": 'W/"1-a.b"'}),
        ({"version_id": True, "names": "{}\r\nx: y".format}, {}),
        ({"version_id": True, "names": '{}"x'.format}, {}),
        ({}, {}),
    ],
)
async def test_the_best_that_a_server_shows(shows: Any, expected: dict[str, str]):
    """A PUT is bound to the tag, else to the version; what is no tag changes no header."""
    keeper = Keeper(group_of(), **shows)
    await payload_of(keeper, UPDATE, **RENAME)
    assert written(keeper) == expected


@pytest.mark.parametrize("name", ["{}-gzip", "{}--gzip", "{};br"])
async def test_a_tag_that_a_web_server_changed(name: str):
    """Apache and others mark the tags of what they compress; the version is what the PUT is for."""
    keeper = Keeper(group_of(), version_id=True)
    tagged = {"etag": f'"{name.format(1)}"'}
    shown = group_of(meta={"versionId": "1"})
    keeper.replies["GET"] = httpx.Response(200, json=shown, headers=tagged)
    await payload_of(keeper, UPDATE, **RENAME)
    assert written(keeper) == {"if-match": 'W/"1"'}


class Picky(Keeper):
    """A server that sends its tag as `shows`, and accepts it only as `wants`."""

    shows: str | None = None
    wants = ""
    refuses_with = 412

    def _answer(self, request: httpx.Request, path: str) -> httpx.Response:
        tag = request.headers.get("if-match")
        if request.method == "PUT" and tag != self.wants.format(self.version):
            return httpx.Response(self.refuses_with, json=outcome("invalid", "Wrong If-Match"))
        response = super()._answer(request, path)
        if self.shows is not None:
            response.headers["etag"] = self.shows.format(self.version)
        return response


@pytest.mark.parametrize(
    ("shows", "wants"),
    [
        ('W/"{}"', '"{}"'),
        ('"{}"', 'W/"{}"'),
        ('"hash-{}"', 'W/"{}"'),
        (None, '"{}"'),
        (None, "{}"),
    ],
)
@pytest.mark.parametrize("status", [412, 409, 400])
async def test_a_tag_that_the_server_wants_to_be_written_otherwise(
    shows: str | None, wants: str, status: int
):
    """A refusal of a state that did not change is about the way to write it, which is learned."""
    keeper = Picky(group_of(), version_id=True, guards=False, echo="full")
    keeper.shows, keeper.wants, keeper.refuses_with = shows, wants, status
    async with opened(create_app(Settings(upstream_url=BASE), transport=keeper)) as gateway:
        for name in ("One", "Two"):
            keeper.sent.clear()
            made = (await gateway.data(UPDATE, input={"id": "1", "name": name}))["updateGroup"]
            assert (made["issues"], made["group"]["name"]) == ([], name)
    assert keeper.calls() == ["GET", "PUT"]


async def test_a_conflict_that_passes_leaves_the_tag_as_it_was():
    """A server that could not write at that moment has said nothing of the way tags are written."""

    class Busy(Keeper):
        busy = True

        def _answer(self, request: httpx.Request, path: str) -> httpx.Response:
            if request.method == "PUT" and self.busy:
                self.busy = False
                return httpx.Response(409)
            return super()._answer(request, path)

    keeper = Busy(group_of(), etag=True, version_id=True)
    payload = await payload_of(keeper, UPDATE, id="1", name="One")
    assert payload["issues"] == []
    tags = [put.headers["if-match"] for put in keeper.sent if put.method == "PUT"]
    assert tags == ['W/"1"', 'W/"1"']


@pytest.mark.parametrize("status", [400, 422])
async def test_a_conflict_that_only_the_issue_tells(status: int):
    """Some servers refuse a stale condition with 400 or 422 and the issue code `conflict`."""

    class Vague(Keeper):
        def _answer(self, request: httpx.Request, path: str) -> httpx.Response:
            answer = super()._answer(request, path)
            return httpx.Response(status, content=answer.content) if answer.is_error else answer

    keeper = Vague(group_of(), etag=True, before_put=overtake)
    payload = await payload_of(keeper, ADD, groupId="1", members=patients(1))
    assert payload["issues"] == []
    assert (keeper.stored()["active"], keeper.stored()["member"]) == (False, members(1))


async def test_a_server_with_a_clock():
    """Without a version the clock guards, as far as seconds go; with one both do."""
    keeper = Keeper(group_of(), clock=True)
    await payload_of(keeper, UPDATE, **RENAME)
    assert list(written(keeper)) == ["if-unmodified-since"]
    keeper = Keeper(group_of(), clock=True, version_id=True)
    await payload_of(keeper, UPDATE, **RENAME)
    assert sorted(written(keeper)) == ["if-match", "if-unmodified-since"]


@pytest.mark.parametrize("shows", [{"etag": True}, {"version_id": True}])
async def test_another_writer_where_preconditions_are_honoured(shows: Any):
    """An update is a conflict, and an addition is made on what the other one left."""
    keeper = Keeper(group_of(), **shows, before_put=overtake)
    payload = await payload_of(keeper, UPDATE, **RENAME)
    assert told(payload) == [("ERROR", "conflict", [])]
    assert keeper.stored()["name"] == "Known"
    keeper = Keeper(group_of(), **shows, before_put=overtake)
    payload = await payload_of(keeper, ADD, groupId="1", members=patients(1))
    assert payload["issues"] == []
    assert keeper.stored()["active"] is False
    assert keeper.stored()["member"] == members(1)


async def test_a_clock_that_may_be_ignored():
    """Where only a clock guards, each write warns of it, but on Canvas, which compares times."""
    for is_canvas in (False, True):
        keeper = Keeper(group_of(), clock=True, canvas=is_canvas)
        payload = await payload_of(keeper, UPDATE, **RENAME)
        assert told(payload) == ([] if is_canvas else [("WARNING", "incomplete", [])])


@pytest.mark.parametrize("echo", [None, "full", {"resourceType": "OperationOutcome"}])
@pytest.mark.parametrize(
    "shows",
    [
        {"etag": True},
        {"version_id": True},
        {"etag": True, "version_id": True, "tag": '"sha-{}"'},
        {"etag": True, "version_id": True, "tag": "{}"},
    ],
)
@pytest.mark.parametrize("history", [True, False])
async def test_another_writer_where_preconditions_are_ignored(
    shows: Any, echo: Any, *, history: bool
):
    """A skipped version was another writer's and is overwritten: the caller is warned."""
    keeper = Keeper(
        group_of(), **shows, echo=echo, guards=False, history=history, before_put=overtake
    )
    payload = await payload_of(keeper, ADD, groupId="1", members=patients(1))
    assert told(payload) == [("WARNING", "conflict", [])]
    assert payload["group"]["id"] == "1"


async def test_another_writer_where_members_can_not_be_left_out():
    """A removal takes two PUTs there; warnings of the first are in the payload too."""

    def keep_members(group: dict[str, Any]) -> dict[str, Any]:
        left = group.get("member", [])
        return group | {"member": left if len(left) == 2 else [*left, *members(1)]}

    keeper = Keeper(
        group_of(member=members(1, 2)),
        etag=True,
        guards=False,
        computes=keep_members,
        before_put=overtake,
    )
    payload = await payload_of(keeper, REMOVE, groupId="1", members=patients(1))
    assert ("WARNING", "conflict", []) in told(payload)
    assert ("INFORMATION", "informational", ["members", "0"]) in told(payload)


@pytest.mark.parametrize("echo", ["full", None])
async def test_another_writer_where_only_the_stored_group_tells(echo: Any):
    """A skipped version shows a lost change, whether the write took effect or not."""

    def keep_members(group: dict[str, Any]) -> dict[str, Any]:
        left = group.get("member", [])
        return group | {"member": left if len(left) == 2 else [*left, *members(1)]}

    keeper = Keeper(
        group_of(member=members(1, 2)),
        version_id=True,
        guards=False,
        echo=echo,
        computes=keep_members,
        before_put=overtake,
    )
    payload = await payload_of(keeper, REMOVE, groupId="1", members=patients(1))
    assert ("WARNING", "conflict", []) in told(payload)


async def test_a_server_that_was_caught_is_trusted_no_more():
    """Every later write says that nothing guards it."""
    keeper = Keeper(group_of(), etag=True, guards=False, before_put=overtake)
    document = (
        "mutation ($input: UpdateGroupInput!) { a: updateGroup(input: $input) { ...P } "
        'b: updateGroup(input: {id: "1", name: "Newer"}) { ...P } } '
        "fragment P on GroupPayload { issues { severity code } }"
    )
    data = (await tell(keeper, document, **RENAME))["data"]
    assert data["a"]["issues"] == [{"severity": "WARNING", "code": "conflict"}]
    assert data["b"]["issues"] == [{"severity": "WARNING", "code": "incomplete"}]


async def test_versions_that_count_all_writes_of_a_server():
    """A gap between two versions of a group is no other writer, if its history shows none."""
    keeper = Keeper(group_of(), etag=True, history=True)

    def elsewhere(server: Keeper) -> None:
        server.versions[server.version + 1] = ""
        text = server.text
        server.guards = False
        server.version += 3
        server.text = text
        server.versions = {1: text}

    keeper.before_put = elsewhere
    payload = await payload_of(keeper, UPDATE, **RENAME)
    assert payload["issues"] == []


async def test_others_after_the_write_overwrite_nothing():
    """A change between the write and its read-back is no lost change."""
    keeper = Keeper(group_of(), version_id=True, history=True)
    keeper.computes = lambda group: (keeper.keep(json.dumps(group)), group | {"active": True})[1]
    payload = await payload_of(keeper, UPDATE, **RENAME)
    assert payload["issues"] == []


async def test_a_version_that_never_changes():
    """Where a changed group has the same version nothing guards a write: it is said."""
    keeper = Keeper(group_of(), etag=True, version_id=True, names=lambda _: "1")
    payload = await payload_of(keeper, UPDATE, **RENAME)
    assert told(payload) == [("WARNING", "incomplete", [])]


async def test_a_server_that_shows_nothing():
    """No tag, no version and no clock: every write says so."""
    payload = await payload_of(Keeper(group_of()), UPDATE, **RENAME)
    assert told(payload) == [("WARNING", "incomplete", [])]


async def test_a_duplicate_is_told_at_once():
    """A 409 over a rule of the server's is no change in the meantime: it is not sent again."""
    reply = httpx.Response(409, json=outcome("duplicate", "Such a group exists"))
    keeper = Keeper(group_of(), etag=True, replies={"PUT": reply})
    payload = await payload_of(keeper, ADD, groupId="1", members=patients(1))
    assert told(payload) == [("ERROR", "duplicate", [])]
    assert keeper.calls() == ["GET", "PUT"]


async def test_what_a_server_says_of_a_write_that_it_made():
    """The issues of an OperationOutcome in a 200 are shown; what is stored is no error."""
    said = outcome("informational", "Stored") | {
        "issue": [
            {"severity": "information", "code": "informational", "details": {"text": "Stored"}},
            {"severity": "warning", "code": "value", "expression": ["Group.name"]},
            {"severity": "error", "code": "invalid", "diagnostics": "odd"},
        ]
    }
    keeper = Keeper(group_of(), etag=True, echo=said)
    payload = await payload_of(keeper, UPDATE, **RENAME)
    assert told(payload) == [
        ("INFORMATION", "informational", []),
        ("WARNING", "value", ["name"]),
        ("WARNING", "invalid", []),
    ]
    keeper = Keeper(group_of(), etag=True, echo=said | {"id": "1"})
    document = change("createGroup", "id")
    keeper.group = None
    payload = await payload_of(keeper, document, type="PERSON", name="Known")
    assert len(payload["issues"]) == 3


@pytest.mark.parametrize("old", [{"versionId": "1"}, {}])
async def test_an_answer_that_only_repeats_what_was_sent(old: dict[str, str]):
    """What comes back without a new version is not what was stored: that is read."""
    repeated = group_of(name="New", meta=old)
    keeper = Keeper(group_of(), version_id=True, echo=repeated)
    payload = await payload_of(keeper, UPDATE, **RENAME)
    assert payload["issues"] == []
    keeper = Keeper(
        group_of(), version_id=True, echo=repeated, computes=lambda group: group | {"name": "Old"}
    )
    payload = await payload_of(keeper, UPDATE, **RENAME)
    assert told(payload) == [("WARNING", "incomplete", ["name"])]
