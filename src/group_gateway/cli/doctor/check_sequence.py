"""The checks of the doctor in their order.

Nothing is written, unless requested: then an unchanged group with a precondition that can't hold. A
failure ends the sequence if later checks would only repeat it.
"""

import time
from collections.abc import AsyncIterator

from group_gateway.cache_wiring import is_shared
from group_gateway.cli.doctor.checks import (
    caller_identity,
    credentials,
    declared_searches,
    group_read,
    page_walk,
    reachability,
)
from group_gateway.cli.doctor.checks.caller_identity import Credential
from group_gateway.cli.doctor.checks.declared_capability import capability_of, statement
from group_gateway.cli.doctor.checks.shared_cache import shared_cache
from group_gateway.cli.doctor.findings import Finding, warn
from group_gateway.cli.doctor.upstream_probe import ProbeReply, UpstreamProbe
from group_gateway.config import Settings
from group_gateway.errors import UpstreamInvalidResponse
from group_gateway.fhir.bundle import Searchset
from group_gateway.upstream.capability_statement import GroupCapability


async def examine(
    settings: Settings, token: str | None, *, writes: bool = False
) -> AsyncIterator[Finding]:
    """Yield the findings one by one; without a token, as the service account.

    With `writes` an unchanged group is sent with a precondition that can't hold.
    """
    if is_shared(settings):
        yield await shared_cache(settings)
    if settings.callers == "jwt":
        yield await caller_identity.issuers_keys(settings)
    credential = None if token is None else Credential(token)
    if credential is None and settings.service_client_id:
        finding, credential = await caller_identity.service_account(settings)
        yield finding
    probe = UpstreamProbe(settings, credential.token if credential is not None else None)
    try:
        async for finding in _examine(probe, settings, credential, writes=writes):
            yield finding
    finally:
        await probe.end()


async def first_contact(settings: Settings) -> list[Finding]:
    """Return the findings of the first two checks: whether a FHIR server responds at all."""
    probe = UpstreamProbe(settings, None)
    try:
        reply = await probe.statement()
    finally:
        await probe.end()
    return [reachability.connection(reply, settings), reachability.base_url(reply, settings)]


async def _examine(
    probe: UpstreamProbe, settings: Settings, credential: Credential | None, *, writes: bool
) -> AsyncIterator[Finding]:
    token = credential.token if credential is not None else None
    stated = await probe.statement()
    connection = reachability.connection(stated, settings)
    yield connection
    if connection.level == "fail":
        return
    search = await probe.open(count=declared_searches.SAMPLE)
    base_url = reachability.base_url(_clearer(stated, search), settings)
    yield base_url
    if base_url.level == "fail":
        return
    yield statement(stated)
    yield credentials.credentials(search, token, time.time())
    if credential is not None:
        yield credentials.scopes(credential.token, credential.scope)
    if search.value is not None:
        async for finding in _behaviour(probe, capability_of(stated), search.value, writes=writes):
            yield finding
    exchange = search.exchange or stated.exchange
    if exchange is not None:
        yield group_read.clock(exchange)


def _clearer(stated: ProbeReply[object], search: ProbeReply[Searchset]) -> ProbeReply[object]:
    """Choose the response that shows a FHIR server best: one may lack /metadata, or hide it."""
    unclear = isinstance(stated.error, UpstreamInvalidResponse)
    return ProbeReply(search.value, search.error, search.exchange) if unclear else stated


async def _behaviour(
    probe: UpstreamProbe, said: GroupCapability | None, sample: Searchset, *, writes: bool
) -> AsyncIterator[Finding]:
    if not sample.groups:
        text = "There are no groups to see, so searches and reads can't be tried."
        yield warn("search", text, "If there should be some, the token is another's.")
        return
    yield await declared_searches.id_lists(probe, sample)
    yield await declared_searches.by_type(probe, said, sample)
    yield await declared_searches.by_patient(probe, said, sample)
    yield await page_walk.pages(probe, sample)
    yield await page_walk.total(probe, sample)
    reply = await probe.read(sample.groups[0].id)
    yield group_read.read(reply)
    if reply.value is not None:
        yield await group_read.guard(reply.value, probe.write_in_vain if writes else None)
