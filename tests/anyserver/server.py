"""A FHIR server in memory with the ways of a profile, as a transport of the gateway's."""

import asyncio
import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import httpx

from anyserver.digits import decode, encode
from anyserver.groups import Elements, members_of
from anyserver.pages import Pages, part_of
from anyserver.profile import Profile
from anyserver.versions import first_versions, history_page

HALF = "Bearer half"
"""The credential that sees every second group."""
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Record:
    """A stored group, its version and when it was last changed."""

    elements: Elements
    version: int = 1
    changed: datetime = _LONG_AGO
    past: list[Elements] = field(default_factory=list)
    """What it was before, the oldest first."""


@dataclass
class Server(httpx.AsyncBaseTransport):
    """The server. `meanwhile` runs once before the next PUT is looked at: another writer."""

    profile: Profile
    records: dict[str, Record] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    meanwhile: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self.pages = Pages(self.profile)

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://upstream.test{self.profile.base_path}"

    def hold(self, group: Elements) -> None:
        """Hold a group from long ago, perhaps one that was deleted and made again."""
        self.records[group["id"]] = Record(group, past=first_versions(group))

    def shown(self, id: str) -> Elements:
        """Return a group as a plain read shows it."""
        record = self.records[id]
        group = deepcopy(record.elements)
        if self.profile.tag in {"etag", "version"}:
            group["meta"] = {**group.get("meta", {}), "versionId": self._version(record)}
        if self.profile.computes_quantity:
            group["quantity"] = len(members_of(group))
        if self.profile.computes_display:
            for member in members_of(group):
                if "reference" in member["entity"]:
                    member["entity"].setdefault("display", "computed")
        return group

    def visible(self, authorization: str) -> list[Elements]:
        """Return what a caller sees, in order."""
        return [
            self.shown(id)
            for number, id in enumerate(self.records)
            if authorization != HALF or number % 2 == 0
        ]

    def versions(self, id: str) -> list[Elements]:
        """Return the versions of a group as the entries of a history, the newest first."""
        return [self._entry(id), *reversed(self.records[id].past)]

    def _entry(self, id: str) -> Elements:
        entry: Elements = {"resource": self.shown(id)}
        if self.profile.tag == "etag-only":
            entry["response"] = {"etag": f'W/"{self._version(self.records[id])}"'}
        return entry

    def change(self, id: str, elements: Elements) -> None:
        """Replace a group's elements."""
        record = self.records[id]
        record.past.append(self._entry(id))
        record.elements = elements
        record.version += 1
        record.changed = datetime.now(UTC)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        path = request.url.raw_path.decode()
        self.calls.append(f"{request.method} {path}")
        await asyncio.sleep(0)
        if not path.startswith(self.profile.base_path):
            return _refusal(404)
        below = path.removeprefix(self.profile.base_path)
        answer = self._answer(request, below)
        if self.profile.tag != "nothing":
            answer.headers["date"] = format_datetime(datetime.now(UTC), usegmt=True)
        return answer

    def _answer(self, request: httpx.Request, path: str) -> httpx.Response:
        caller = request.headers.get("authorization", "")
        if path == "/metadata":
            return self._statement()
        if request.method == "GET":
            if "/_history" in path:
                return self._history(httpx.URL(path), caller)
            page = self.pages.answer(path, self.visible(caller))
            return page or self._read(path.removeprefix("/Group/"), caller)
        if self.profile.refuses_writes:
            return _refusal(self.profile.refuses_writes)
        if request.method == "POST":
            return self._create(decode(request.content))
        return self._update(path.removeprefix("/Group/"), request)

    def _statement(self) -> httpx.Response:
        if not self.profile.statement:
            return _refusal(404)
        parameters = [{"name": name} for name in ("_id", *self.profile.filters)]
        resource = {"type": "Group", "searchParam": parameters}
        statement = {"resourceType": "CapabilityStatement", "rest": [{"resource": [resource]}]}
        return httpx.Response(200, json=statement)

    def _read(self, id: str, caller: str) -> httpx.Response:
        if id not in {group["id"] for group in self.visible(caller)}:
            return _refusal(404)
        return self._whole(id, 200)

    def _history(self, url: httpx.URL, caller: str) -> httpx.Response:
        id = url.path.split("/")[2]
        if id not in {group["id"] for group in self.visible(caller)}:
            return _refusal(404)
        return history_page(self.profile.history, url, self.versions(id))

    def _whole(self, id: str, status: int) -> httpx.Response:
        headers = {}
        if self.profile.tag in {"etag", "etag-only"}:
            headers["etag"] = f'W/"{self._version(self.records[id])}"'
        group = self.shown(id)
        if self.profile.reads == "tagged":
            group = part_of(group)
        return httpx.Response(status, content=encode(group), headers=headers)

    def _version(self, record: Record) -> str:
        if self.profile.versions == "numbers":
            return str(record.version)
        return f"{record.version * 2654435761 % 2**32:x}"

    def _create(self, elements: Elements) -> httpx.Response:
        id = f"new-{len(self.records)}"
        self.records[id] = Record({**elements, "id": id}, changed=datetime.now(UTC))
        answer = self._written(id, 201)
        answer.headers["location"] = f"/Group/{id}/_history/1"
        return answer

    def _update(self, id: str, request: httpx.Request) -> httpx.Response:
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        if id not in self.records:
            return _refusal(404)
        if self.profile.guards and not self._holds(id, request.headers):
            return _refusal(self.profile.conflict)
        elements = decode(request.content)
        if elements.get("id") != id:
            return _refusal(400)
        if self.profile.keeps_members:
            elements = _with_former(elements, self.records[id].elements)
        elements.pop("meta", None)
        self.change(id, elements)
        return self._written(id, 200)

    def _holds(self, id: str, headers: httpx.Headers) -> bool:
        record = self.records[id]
        if self.profile.tag != "date":  # most of those that have versions look at nothing else
            wanted = headers.get("if-match", f'"{self._version(record)}"')
            return bool(wanted.removeprefix("W/") == f'"{self._version(record)}"')
        since = headers.get("if-unmodified-since")
        return since is None or record.changed.replace(microsecond=0) <= parsedate_to_datetime(
            since
        )

    def _written(self, id: str, status: int) -> httpx.Response:
        match self.profile.answers_writes:
            case "group":
                return self._whole(id, status)
            case "null":
                return httpx.Response(status, content=b"null")
            case "outcome":
                return httpx.Response(status, json=_OUTCOME)
            case _:
                return httpx.Response(status)


def _with_former(new: Elements, old: Elements) -> Elements:
    named = {_entity_key(member) for member in members_of(new)}
    former = [member for member in members_of(old) if _entity_key(member) not in named]
    return {**new, "member": [*members_of(new), *former]} if former else new


def _entity_key(member: Elements) -> str:
    entity = {name: value for name, value in member["entity"].items() if name != "display"}
    return json.dumps(entity or member["entity"], sort_keys=True)


_OUTCOME: dict[str, Any] = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "information", "code": "informational"}],
}


def _refusal(status: int) -> httpx.Response:
    issue = {"severity": "error", "code": "processing", "diagnostics": f"Refused with {status}"}
    return httpx.Response(status, json={"resourceType": "OperationOutcome", "issue": [issue]})
