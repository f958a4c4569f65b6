"""`Group.history`: the versions of a group, where the upstream keeps them."""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from gateway.answering import Answering, answering, codes, make_group, page, refusal
from waiting import until

PAGE = """query ($first: Int, $after: String) {
    group(id: "g") { history(first: $first, after: $after) {
    edges { cursor node { version when group { name version } } }
    nodes { who group { name } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
} } }"""
WHO = '{ group(id: "g") { history { nodes { version who } } } }'
VERSIONS = '{ group(id: "g") { history { nodes { version group { name } } } } }'


def version(number: int, **meta: Any) -> dict[str, Any]:
    """Return a version of the group as an entry of a history."""
    meta = {"versionId": str(number), "lastUpdated": f"2026-01-{number:02}T00:00:00Z", **meta}
    return {
        "fullUrl": "http://upstream.test/Group/g",
        "request": {"method": "PUT", "url": "Group/g"},
        "response": {"status": "200", "etag": f'W/"{number}"'},
        "resource": make_group("g", name=f"Name {number}", meta=meta),
    }


@dataclass
class Keeping(Answering):
    """An upstream that keeps versions, and links their pages by a parameter of its own."""

    search: Any = None
    entries: list[Any] = field(default_factory=lambda: [version(n) for n in range(5, 0, -1)])
    records: list[dict[str, Any]] = field(default_factory=list)
    most: int = 2
    total: int | None = None
    failures: dict[str, httpx.Response] = field(default_factory=dict)
    interactions: tuple[str, ...] = ("read", "history-instance")
    link: str = "http://upstream.test/Group/g/_history?page={}&_count={}"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        path, query = request.url.path, dict(parse_qsl(request.url.query.decode()))
        if path == "/token":
            return httpx.Response(200, json={"access_token": "t", "token_type": "Bearer"})
        if path == "/metadata":
            return httpx.Response(200, json=self.statement())
        if "_history" not in path and path.startswith("/Group/"):
            return httpx.Response(200, json=make_group(path[7:], name="Name 5"))
        self.calls.append(f"GET {request.url.raw_path.decode()}")
        for part, failure in self.failures.items():
            if part in str(request.url):
                return failure
        if path == "/Provenance":
            found = [{"resource": record} for record in self.records]
            onward = "?page=2" if len(found) > self.most else None
            return httpx.Response(200, json=page(*found, onward=onward))
        start = int(query.get("page", 0))
        count = min(int(query.get("_count", 10)), self.most)
        following = self.link.format(start + count, count)
        links = [{"relation": "next", "url": following}] if self.entries[start + count :] else []
        bundle = {"resourceType": "Bundle", "type": "history", "total": self.total, "link": links}
        return httpx.Response(200, json={**bundle, "entry": self.entries[start : start + count]})

    def statement(self) -> dict[str, Any]:
        """Return the CapabilityStatement."""
        group = {"type": "Group", "interaction": [{"code": code} for code in self.interactions]}
        resource = [group, {"type": "Provenance"}]
        return {"resourceType": "CapabilityStatement", "rest": [{"resource": resource}]}


def shown(answer: Any) -> list[Any]:
    """Return the versions and names of an answer."""
    history = answer["data"]["group"]["history"]
    return [(n["version"], n["group"] and n["group"]["name"]) for n in history["nodes"]]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 20])
async def test_pages(size):
    """Versions come newest first, each once, over whatever pages the upstream has."""
    async with answering(Keeping()) as gateway:
        found, after, more = [], None, True
        while more:
            history = (await gateway.data(PAGE, first=size, after=after))["group"]["history"]
            info = history["pageInfo"]
            assert info["hasPreviousPage"] == (after is not None)
            cursors = [edge["cursor"] for edge in history["edges"]]
            assert [info["startCursor"], info["endCursor"]] == [cursors[0], cursors[-1]]
            found += [(e["node"]["version"], e["node"]["group"]["name"]) for e in history["edges"]]
            more, after = info["hasNextPage"], info["endCursor"]
        assert found == [(str(n), f"Name {n}") for n in range(5, 0, -1)]


async def test_a_version_that_is_made_meanwhile():
    """It moves the others to later pages, and none is shown twice or omitted."""
    upstream = Keeping()
    async with answering(upstream) as gateway:
        history = (await gateway.data(PAGE, first=2))["group"]["history"]
        upstream.entries[:0] = [version(8), version(7), version(6)]
        after = history["pageInfo"]["endCursor"]
        history = (await gateway.data(PAGE, first=2, after=after))["group"]["history"]
        assert [edge["node"]["version"] for edge in history["edges"]] == ["3", "2"]


async def test_a_version_that_is_gone():
    """A cursor of a version that the upstream has dropped is refused."""
    upstream = Keeping()
    async with answering(upstream) as gateway:
        history = (await gateway.data(PAGE, first=2))["group"]["history"]
        del upstream.entries[1]
        answer = await gateway(PAGE, first=2, after=history["pageInfo"]["endCursor"])
        assert codes(answer) == {"BAD_USER_INPUT"}
        upstream.failures = {"_history": refusal("No such page", 410)}
        answer = await gateway(PAGE, first=2, after=history["pageInfo"]["startCursor"])
        assert codes(answer) == {"BAD_USER_INPUT"}


async def test_a_deletion():
    """A version that is a deletion has no group."""
    upstream = Keeping()
    gone = {"method": "DELETE", "url": "Group/g"}
    upstream.entries[2:4] = [{"request": gone, "response": {"etag": 'W/"3"'}}]
    async with answering(upstream) as gateway:
        assert shown(await gateway(VERSIONS)) == [
            ("5", "Name 5"),
            ("4", "Name 4"),
            ("3", None),
            ("1", "Name 1"),
        ]


async def test_entries_that_are_no_versions():
    """They are left out, and an error says so. Another group is never shown."""
    upstream = Keeping(entries=[version(2), None, {"resource": make_group("other")}, version(1)])
    upstream.entries[1] = {"resource": {"resourceType": "Group"}}
    async with answering(upstream) as gateway:
        answer = await gateway(VERSIONS)
        assert shown(answer) == [("2", "Name 2"), ("1", "Name 1")]
        assert codes(answer) == {"UPSTREAM_INVALID_RESPONSE"}
        assert [error["path"] for error in answer["errors"]] == [["group", "history"]]


@pytest.mark.parametrize("spoilt", [b"NaN", rb'"\ud83d"', b'"\xff"'])
async def test_an_entry_that_is_no_json(spoilt):
    """The other versions are shown, and an error says that one is missing."""
    bundle = {"resourceType": "Bundle", "entry": [version(3), version(2), version(1)]}
    raw = json.dumps(bundle).encode().replace(b'"Name 2"', spoilt)
    upstream = Keeping(failures={"_history": httpx.Response(200, content=raw)})
    async with answering(upstream) as gateway:
        answer = await gateway(VERSIONS)
        assert shown(answer) == [("3", "Name 3"), ("1", "Name 1")]
        assert codes(answer) == {"UPSTREAM_INVALID_RESPONSE"}


async def test_versions_that_share_one_id():
    """A server that gives all versions the same id loses none of them, on whatever pages."""
    upstream = Keeping()
    for entry in upstream.entries:
        entry["resource"]["meta"]["versionId"] = "1"
    async with answering(upstream) as gateway:
        found, after, more = [], None, True
        while more:
            history = (await gateway.data(PAGE, first=2, after=after))["group"]["history"]
            found += [node["group"]["name"] for node in history["nodes"]]
            more, after = history["pageInfo"]["hasNextPage"], history["pageInfo"]["endCursor"]
    assert found == [f"Name {number}" for number in range(5, 0, -1)]


async def test_versions_without_ids():
    """Versions that have no id, nor a time of their own, are told apart by what they hold."""
    upstream = Keeping(entries=[version(number) for number in (5, 4, 3, 2)])
    for entry in upstream.entries:
        del entry["response"]
        entry["resource"]["meta"] = {"lastUpdated": "2026-01-01T00:00:00Z"}
    del upstream.entries[1]["resource"]["meta"], upstream.entries[2]["resource"]["meta"]
    async with answering(upstream) as gateway:
        expected = [(None, f"Name {number}") for number in (5, 4, 3, 2)]
        assert shown(await gateway(VERSIONS)) == expected
        history = (await gateway.data(PAGE, first=2))["group"]["history"]
        after = history["pageInfo"]["endCursor"]
        history = (await gateway.data(PAGE, first=2, after=after))["group"]["history"]
        names = [edge["node"]["group"]["name"] for edge in history["edges"]]
        assert names == ["Name 3", "Name 2"]


@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize("size", [1, 2, 5])
async def test_a_group_that_was_set_back(size, most):
    """Versions without id and time are all shown, also those that hold the same."""
    names = ["new", "old", "old", "new", "old"]
    entries = [{"resource": {**make_group("g", name=name), "meta": {}}} for name in names]
    async with answering(Keeping(entries=entries, most=most)) as gateway:
        found, after, more = [], None, True
        while more:
            history = (await gateway.data(PAGE, first=size, after=after))["group"]["history"]
            found += [edge["node"]["group"]["name"] for edge in history["edges"]]
            info = history["pageInfo"]
            more, after = info["hasNextPage"], info["endCursor"]
        assert found == names


async def test_versions_that_the_upstream_only_counts():
    """Versions that it counts, but neither sends nor links to, are an error at the field."""
    upstream = Keeping(entries=[version(2), version(1)], total=3)
    async with answering(upstream) as gateway:
        for number in (20, 2, 1):
            answer = await gateway(PAGE, first=number)
            assert codes(answer) == {"UPSTREAM_INVALID_RESPONSE"}
            assert len(answer["data"]["group"]["history"]["edges"]) == min(number, 2)
        upstream.total = 2
        await gateway.data(PAGE)


async def test_a_version_that_is_only_a_part():
    """A version whose elements the upstream left out is not passed off as the whole group."""
    subsetted = {"code": "SUBSETTED"}
    upstream = Keeping(entries=[version(2), version(1, tag=[subsetted])])
    async with answering(upstream) as gateway:
        answer = await gateway(VERSIONS)
        assert shown(answer) == [("2", "Name 2")]
        assert codes(answer) == {"UPSTREAM_INVALID_RESPONSE"}


async def test_pages_of_one_version():
    """Pages may be as small as the upstream likes, within the budget of calls."""
    upstream = Keeping(entries=[version(number) for number in range(30, 0, -1)], most=1)
    async with answering(upstream) as gateway:
        assert len(shown(await gateway(VERSIONS.replace("history", "history(first: 25)")))) == 25


async def test_a_history_that_is_asked_for_twice():
    """Equal histories of one operation are read once, and fail alike."""
    upstream = Keeping(most=100)
    query = '{ group(id: "g") { a: history { nodes { when } } b: history { nodes { who } } } }'
    async with answering(upstream, upstream_retries=0) as gateway:
        await gateway.data(query)
        assert len([call for call in upstream.calls if "_history" in call]) == 1
        upstream.failures = {"_history": httpx.Response(500)}
        answer = await gateway(query)
        assert [e["path"] for e in answer["errors"]] == [["group", "a"], ["group", "b"]]


NONE = {
    "no statement of it": ({"interactions": ("read",)}, 0),
    "no address": ({"failures": {"_history": httpx.Response(404, json={})}}, 1),
    "not found": ({"failures": {"_history": refusal("What?", 404)}}, 2),
    "not allowed": ({"failures": {"_history": refusal("No", 405)}}, 1),
    "not implemented": ({"failures": {"_history": httpx.Response(501)}}, 1),
    "refused": ({"failures": {"_history": refusal("No", 400)}}, 4),
}


@pytest.mark.parametrize("kind", NONE)
async def test_an_upstream_without_history(kind):
    """The field is null, and an upstream that can't is not asked again."""
    ways, calls = NONE[kind]
    upstream = Keeping(**ways)
    async with answering(upstream) as gateway:
        for _ in range(2):
            assert (await gateway.data(VERSIONS))["group"]["history"] is None
        assert len(upstream.calls) == calls


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (refusal("No", 403), "FORBIDDEN"),
        (httpx.Response(500), "UPSTREAM_UNAVAILABLE"),
        (httpx.Response(200, json={"resourceType": "Group"}), "UPSTREAM_INVALID_RESPONSE"),
        (httpx.Response(200, text="<html>"), "UPSTREAM_INVALID_RESPONSE"),
    ],
)
async def test_a_history_that_fails(failure, code):
    """It is an error at the field, beside the group."""
    upstream = Keeping(failures={"_history": failure})
    async with answering(upstream, upstream_retries=0) as gateway:
        answer = await gateway(VERSIONS.replace("history", "name history", 1))
        assert codes(answer) == {code}
        assert answer["data"]["group"] == {"name": "Name 5", "history": None}


async def test_a_refused_count():
    """An upstream that refuses `_count` is asked without it."""
    upstream = Keeping(failures={"_count=21": refusal("Unknown parameter _count")})
    async with answering(upstream) as gateway:
        assert len(shown(await gateway(VERSIONS))) == 5


@pytest.mark.parametrize(
    "link", ["http://upstream.test/Patient?x={}{}", "/Group/g/_history?same=1", "ftp://x/{}{}"]
)
async def test_links_that_lead_nowhere(link):
    """They end in an error, not in a list that is cut, nor in a call elsewhere."""
    upstream = Keeping(link=link)
    async with answering(upstream) as gateway:
        assert codes(await gateway(VERSIONS)) == {"UPSTREAM_INVALID_RESPONSE"}
        assert not any("Patient" in call for call in upstream.calls)


async def test_cursors_and_numbers_that_are_none():
    """A cursor belongs to the history of one group."""
    async with answering(Keeping()) as gateway:
        after = (await gateway.data(PAGE, first=1))["group"]["history"]["pageInfo"]["endCursor"]
        other = PAGE.replace('id: "g"', 'id: "h"')
        for wrong in ("x", "", after[:-2]):
            assert codes(await gateway(PAGE, after=wrong)) == {"BAD_USER_INPUT"}
        assert codes(await gateway(other, after=after)) == {"BAD_USER_INPUT"}
        for first in (-1, 101):
            assert codes(await gateway(PAGE, first=first)) == {"BAD_USER_INPUT"}


async def test_calls_are_budgeted():
    """Pages of a history count towards the upstream calls of an operation."""
    upstream = Keeping(most=1)
    async with answering(upstream, upstream_calls=3) as gateway:
        assert codes(await gateway(VERSIONS)) == {"TOO_MANY_UPSTREAM_CALLS"}


def record(target: str, **who: str) -> dict[str, Any]:
    """Return a Provenance."""
    agent = [{"type": {"coding": [{"code": "assembler"}]}, "who": {"display": "A machine"}}]
    author = {"type": {"coding": [{"code": "author"}]}, "who": who}
    return {
        "resourceType": "Provenance",
        "id": target.replace("/", "-"),
        "target": [{"reference": target}],
        "agent": [*agent, author],
    }


async def test_who_made_a_version():
    """A Provenance of the version says so, else the version's source without a request's id."""
    upstream = Keeping(
        entries=[version(4), version(3), version(2, source="urn:app:1"), version(1, source="#r7")],
        records=[
            record("Group/g/_history/4", reference="Practitioner/p"),
            record("http://upstream.test/Group/g/_history/3", display="Dr. House"),
        ],
    )
    async with answering(upstream) as gateway:
        nodes = (await gateway.data(WHO))["group"]["history"]["nodes"]
        assert [(n["version"], n["who"]) for n in nodes] == [
            ("4", "Practitioner/p"),
            ("3", "Dr. House"),
            ("2", "urn:app:1"),
            ("1", None),
        ]
        assert [call for call in upstream.calls if "Provenance" in call] == [
            "GET /Provenance?target=Group/g&_count=100"
        ]


async def test_records_of_something_else():
    """What an upstream sends that ignores `target` says nothing of the group."""
    upstream = Keeping(
        records=[record("Group/other/_history/5", display="X"), record("Group/g", display="Y")]
    )
    async with answering(upstream) as gateway:
        nodes = (await gateway.data(WHO))["group"]["history"]["nodes"]
        assert {node["who"] for node in nodes} == {None}


async def test_records_that_may_not_be_read():
    """Versions are shown without them."""
    upstream = Keeping(entries=[version(1, source="urn:app")])
    for status in (403, 404, 400):
        upstream.failures = {"Provenance": refusal("No", status)}
        async with answering(upstream) as gateway:
            nodes = (await gateway.data(WHO))["group"]["history"]["nodes"]
            assert nodes == [{"version": "1", "who": "urn:app"}]


@pytest.mark.parametrize("scope", ["", " user/Provenance.read", " user/*.read"])
async def test_records_need_a_scope_of_their_own(scope: str, tmp_path: Path):
    """A caller of a service account without it is shown the version's source, and no call made."""
    keys = tmp_path / "keys"
    keys.write_text(f"ada {sha256(b'key').hexdigest()} user/Group.read{scope}")
    upstream = Keeping(
        entries=[version(1, source="urn:app")],
        records=[record("Group/g/_history/1", display="Dr. House")],
    )
    service = {"service_client_id": "a", "service_client_secret": "b"}
    token = {"service_token_url": "http://upstream.test/token"}
    known = {"callers": "api-keys", "api_keys_file": str(keys), **service, **token}
    async with answering(upstream, **known) as gateway:
        nodes = (await gateway.data(WHO, token="key"))["group"]["history"]["nodes"]
        assert nodes == [{"version": "1", "who": "Dr. House" if scope else "urn:app"}]
        asked = [call for call in upstream.calls if "Provenance" in call]
        assert len(asked) == bool(scope)


async def test_a_history_needs_the_scope_of_groups(tmp_path: Path):
    """A caller of a service account that may not read groups is shown no history, nor any call."""
    keys = tmp_path / "keys"
    keys.write_text(f"ada {sha256(b'key').hexdigest()} user/Group.write user/Provenance.read")
    upstream = Keeping()
    service = {"service_client_id": "a", "service_client_secret": "b"}
    token = {"service_token_url": "http://upstream.test/token"}
    known = {"callers": "api-keys", "api_keys_file": str(keys), **service, **token}
    async with answering(upstream, **known) as gateway:
        answer = await gateway(WHO, token="key")
        assert (answer["data"], codes(answer)) == ({"group": None}, {"FORBIDDEN"})
        assert upstream.calls == []


async def test_what_is_shown_of_a_history_is_audited(tmp_path: Path):
    """The audit log names the group, and the records that said who made a version."""
    file = tmp_path / "audit.jsonl"
    upstream = Keeping(
        entries=[version(2), version(1)],
        records=[record("Group/g/_history/2", display="X"), record("Group/h/_history/1", text="")],
    )
    async with answering(upstream, audit_file=str(file)) as gateway:
        await gateway.data(WHO)
        await until(lambda: bool(file.exists() and file.read_text()))
    [line] = file.read_text().splitlines()
    assert json.loads(line)["read"] == ["Provenance/Group-g-_history-2", "g"]


async def test_too_many_records():
    """If the author of a version can't be read, that is an error and not null."""
    upstream = Keeping(records=[record(f"Group/g/_history/{n}", display="X") for n in (1, 2, 3)])
    async with answering(upstream) as gateway:
        answer = await gateway(WHO)
        assert codes(answer) == {"UPSTREAM_SEARCH_UNSUPPORTED"}
        assert len(answer["data"]["group"]["history"]["nodes"]) == 5


async def test_a_new_version_shows_at_once():
    """A history is read anew each time: no answer with one is kept."""
    upstream = Keeping()
    async with answering(upstream) as gateway:
        await gateway(VERSIONS)
        upstream.entries.insert(0, version(6))
        assert shown(await gateway(VERSIONS))[0] == ("6", "Name 6")
