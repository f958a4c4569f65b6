"""A Group server on `fhirstarter`, the framework the real upstream is built on.

Routing, validation, bodies, headers and error shapes are the framework's own: they are what the
gateway's tests want to meet. The handlers add what the framework leaves open (rights, search,
paging, conditional updates), as the vendor documents it. All data is in memory.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlencode

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.group import Group
from fhirstarter import Depends, FHIRProvider, FHIRStarter, InteractionContext, Request
from fhirstarter.exceptions import (
    FHIRBadRequestError,
    FHIRForbiddenError,
    FHIRPreconditionFailedError,
    FHIRResourceNotFoundError,
    FHIRUnauthorizedError,
    FHIRUnprocessableEntityError,
)

ALL_RIGHTS, READ_ONLY, HALF = "sandbox", "sandbox-read", "sandbox-other"
DEFAULT_COUNT, MAX_COUNT = 10, 100


@dataclass
class Record:
    """A stored group, when it last changed, and whether the token `sandbox-other` sees it."""

    group: Group
    updated: datetime
    shared: bool


def create_app() -> FHIRStarter:
    """Build the server with an empty store of its own."""
    app = FHIRStarter(
        title="Groups on fhirstarter", config_file=Path(__file__).with_name("fhirstarter_app.toml")
    )
    app.add_providers(_provider(GroupStore()))
    return app


class GroupStore:
    """The groups in the order of their creation, and who may see which."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}

    def visible(self, token: str) -> Iterator[Group]:
        """Yield the groups this token may see."""
        return (r.group for r in self._records.values() if r.shared or token != HALF)

    def find(self, id_: str, token: str) -> Record:
        """Return the record, or answer 404 if it is absent or hidden from this token."""
        record = self._records.get(id_)
        if record is None or (token == HALF and not record.shared):
            raise FHIRResourceNotFoundError
        return record

    def add(self, group: Group, token: str) -> str:
        """Store a new group under a new id; every second one stays hidden from `sandbox-other`."""
        self._refuse_taken_responsibility(group)
        group.id = str(uuid.uuid4())
        shared = token == HALF or len(self._records) % 2 == 0
        self._records[group.id] = Record(_counted(group), datetime.now(UTC), shared)
        return group.id

    def replace(self, record: Record, group: Group) -> None:
        """Put the group in the record's place: what the new one leaves out is gone."""
        group.id = record.group.id
        self._refuse_taken_responsibility(group)
        record.group, record.updated = _counted(group), datetime.now(UTC)

    def _refuse_taken_responsibility(self, group: Group) -> None:
        others = (r.group for r in self._records.values() if r.group.id != group.id)
        if any(_responsibilities(group) & _responsibilities(other) for other in others):
            raise FHIRUnprocessableEntityError(
                "business-rule", "Responsibility is already assigned to another team"
            )


def _counted(group: Group) -> Group:
    group.quantity = len(group.member or ())
    return group


def _responsibilities(group: Group) -> set[str]:
    return {
        each.valueCodeableConcept.text
        for each in group.characteristic or ()
        if each.code.text == "responsibility" and each.valueCodeableConcept
    }


def _token(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


async def _authorize(request: Request) -> None:
    token = _token(request)
    if token not in {ALL_RIGHTS, READ_ONLY, HALF}:
        raise FHIRUnauthorizedError("Authentication failed")
    if token == READ_ONLY and request.method != "GET":
        raise FHIRForbiddenError("Authorization failed")


def _provider(store: GroupStore) -> FHIRProvider:
    provider = FHIRProvider(dependencies=[Depends(_authorize)])

    @provider.read(Group)
    async def read(context: InteractionContext, id_: str) -> Group:
        return store.find(id_, _token(context.request)).group

    @provider.create(Group)
    async def create(context: InteractionContext, group: Group) -> str:
        return store.add(group, _token(context.request))

    @provider.update(Group)
    async def update(context: InteractionContext, id_: str, group: Group) -> str:
        record = store.find(id_, _token(context.request))
        _refuse_if_modified(record, context.request.headers.get("if-unmodified-since"))
        store.replace(record, group)
        return id_

    # The names of the parameters are what the framework makes the query parameters from.
    @provider.search_type(Group)
    async def search(
        context: InteractionContext,
        _id: str | None,
        type_: str | None,
        patient: str | None,
        _count: str | None,
        _offset: str | None,
    ) -> Bundle:
        wanted = {"type": type_, "patient": patient, "_id": _id}
        filters = {name: value for name, value in wanted.items() if value is not None}
        matches = [g for g in store.visible(_token(context.request)) if _matches(g, filters)]
        return _page(matches, filters, *_window(_count, _offset))

    return provider


def _refuse_if_modified(record: Record, condition: str | None) -> None:
    try:
        limit = parsedate_to_datetime(condition or "")
    except ValueError:  # RFC 9110: a date that is none is ignored
        return
    if record.updated.replace(microsecond=0) > limit:
        raise FHIRPreconditionFailedError("Resource updated since If-Unmodified-Since date")


def _matches(group: Group, filters: dict[str, str]) -> bool:
    """Tell whether a group meets every filter; a comma is no OR here, it is part of the value."""
    patient = f"Patient/{filters.get('patient', '').removeprefix('Patient/')}"
    return (
        filters.get("_id", group.id) == group.id
        and filters.get("type", group.type) == group.type
        and ("patient" not in filters or patient in _member_references(group))
    )


def _member_references(group: Group) -> set[str]:
    return {member.entity.reference for member in group.member or ()}


def _window(count: str | None, offset: str | None) -> tuple[int, int]:
    try:
        size = min(int(count or DEFAULT_COUNT), MAX_COUNT)
        start = int(offset or 0)
    except ValueError as error:
        raise FHIRBadRequestError("invalid", "_count and _offset must be numbers") from error
    if size < 1 or start < 0:
        raise FHIRBadRequestError("invalid", "_count or _offset is out of range")
    return size, start


def _page(matches: list[Group], filters: dict[str, str], count: int, offset: int) -> Bundle:
    entries = [{"resource": group} for group in matches[offset : offset + count]]
    links = _links(filters, count, offset, len(matches))
    return Bundle(type="searchset", total=len(matches), link=links, entry=entries)


def _links(filters: dict[str, str], count: int, offset: int, total: int) -> list[dict[str, str]]:
    """Link the pages the vendor's way: relative, no `previous`, none at all for no matches."""
    offsets = {
        "self": offset,
        "first": 0,
        "next": offset + count,
        "last": (total - 1) // count * count,
    }
    if offset + count >= total:
        del offsets["next"]
    return [
        {
            "relation": name,
            "url": f"/Group?{urlencode({**filters, '_count': count, '_offset': at})}",
        }
        for name, at in offsets.items()
        if total
    ]
