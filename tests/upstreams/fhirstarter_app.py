"""A Group server on `fhirstarter`, the framework the real upstream is built on.

Routing, validation, bodies, headers and error shapes are the framework's own: they are what the
gateway's tests want to meet. The handlers add what the framework leaves open: rights, search,
paging and conditional updates, as the vendor documents them.
"""

from email.utils import parsedate_to_datetime
from pathlib import Path

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.group import Group
from fhirstarter import Depends, FHIRProvider, FHIRStarter, InteractionContext, Request
from fhirstarter.exceptions import (
    FHIRForbiddenError,
    FHIRPreconditionFailedError,
    FHIRUnauthorizedError,
)
from fhirstarter_search import page
from fhirstarter_store import HALF, GroupStore, Record

ALL_RIGHTS, READ_ONLY = "sandbox", "sandbox-read"


def create_app() -> FHIRStarter:
    """Build the server with an empty store of its own."""
    app = FHIRStarter(
        title="Groups on fhirstarter", config_file=Path(__file__).with_name("fhirstarter_app.toml")
    )
    app.add_providers(_provider(GroupStore()))
    return app


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
        return page(store.visible(_token(context.request)), filters, _count, _offset)

    return provider


def _refuse_if_modified(record: Record, condition: str | None) -> None:
    try:
        limit = parsedate_to_datetime(condition or "")
    except ValueError:  # RFC 9110: a date that is none is ignored
        return
    if record.updated.replace(microsecond=0) > limit:
        raise FHIRPreconditionFailedError("Resource updated since If-Unmodified-Since date")
