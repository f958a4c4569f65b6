"""A read: whether it works, the preconditions of writes, and the upstream's clock."""

from collections.abc import Awaitable, Callable

from group_gateway.cli.doctor.checks.reachability import named
from group_gateway.cli.doctor.findings import Finding, fail, ok, warn
from group_gateway.cli.doctor.upstream_probe import Exchange, ProbeReply
from group_gateway.errors import Conflict, UpstreamInvalidResponse
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.writing.base_version import BaseVersion
from group_gateway.upstream.client import Written
from group_gateway.upstream.upstream_response import http_date

_READ, _GUARD, CLOCK = "read", "write guard", "clock"
_OVERWRITTEN = "Others' changes may be overwritten: have no one else write."
_TOLERANCE = 2.0  # seconds: `Date` has whole ones, and lags on some servers


def read(reply: ProbeReply[GroupResource | None]) -> Finding:
    """Check that a group from a search can be read."""
    if reply.error is not None:
        text = f"A group that a search found can't be read: {reply.error.message}{named(reply)}"
        return fail(_READ, text, "Ask whoever runs the server.")
    if reply.value is None:
        text = "A group that a search found does not exist for a read."
        return fail(_READ, text, "Ask whoever runs the server.")
    return ok(_READ, "A group can be read by its id.")


async def guard(
    group: GroupResource, write: Callable[[BaseVersion], Awaitable[ProbeReply[Written]]] | None
) -> Finding:
    """Check what protects the gateway's writes from overwriting another's change.

    `write` sends an unchanged group with a precondition that can't hold. Without it nothing is
    tried, and so nothing is called good: only a write shows whether a server honours its
    precondition.
    """
    try:
        base_version = BaseVersion.of(group, group.date)
    except UpstreamInvalidResponse:
        text = "The group holds a value that can't be decoded, so it can't be written to."
        return warn(_GUARD, text, "Have it corrected on the server.")
    if not base_version.is_guarded:
        text = "Reads have neither a version nor a `Date` to guard a write with."
        return warn(_GUARD, text, _OVERWRITTEN)
    condition = _condition(base_version)
    if write is None:
        text = f"Writes go on the condition of {condition}. Whether the server honours it"
        return warn(_GUARD, f"{text} was not tried.", "Use --try-write.")
    reply = await write(base_version)
    if isinstance(reply.error, Conflict):
        return ok(_GUARD, f"The server refuses a write on a wrong condition of {condition}.")
    if reply.error is not None:
        text = f"Whether the server honours conditions can't be tried: {reply.error.message}"
        return warn(_GUARD, f"{text}{named(reply)}", "Try it with a token that may write groups.")
    text = f"The server ignores a write's condition of {condition}."
    return warn(_GUARD, text, _OVERWRITTEN)


def _condition(base_version: BaseVersion) -> str:
    if base_version.group.etag is not None:
        return "the read's `ETag`"
    if base_version.tag is not None:
        return "`meta.versionId`"
    return "the server's `Date`, to the second"


def clock(exchange: Exchange) -> Finding:
    """Compare the upstream's clock with this machine's."""
    theirs = http_date(exchange.headers.get("date", ""))
    if theirs is None:
        return warn(CLOCK, "Answers have no `Date`, so the server's clock is unknown.")
    # A whole second is any moment within it, read at any moment of the exchange.
    ahead = max(theirs - exchange.answered_at, 0.0) + min(theirs + 1.0 - exchange.sent_at, 0.0)
    if abs(ahead) <= _TOLERANCE:
        return ok(CLOCK, f"The server's clock agrees with this machine's, to {_TOLERANCE:.0f} s.")
    side = "ahead of" if ahead > 0 else "behind"
    text = f"The server's clock is {abs(ahead):.0f} s {side} this machine's."
    return warn(CLOCK, text, "Tokens may count as expired, or not valid yet: set both by NTP.")
