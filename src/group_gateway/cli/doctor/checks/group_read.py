"""A read: whether it works, what a write can be guarded by, and the upstream's clock. Pure."""

from group_gateway.cli.doctor.checks.contact import named
from group_gateway.cli.doctor.findings import Finding, fail, ok, warn
from group_gateway.cli.doctor.upstream_probe import Exchange, Reply
from group_gateway.errors import UpstreamInvalidResponse
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.writing.base_version import BaseVersion
from group_gateway.upstream.answer import http_date

_READ, _GUARD, CLOCK = "read", "write guard", "clock"
_TOLERANCE = 2.0  # seconds: `Date` has whole ones, and some servers' lags behind


def read(reply: Reply[GroupResource | None]) -> Finding:
    """Check that a group that a search found can be read."""
    if reply.error is not None:
        text = f"A group that a search found can't be read: {reply.error.message}{named(reply)}"
        return fail(_READ, text, "Ask whoever runs the server.")
    if reply.value is None:
        text = "A group that a search found does not exist for a read."
        return fail(_READ, text, "Ask whoever runs the server.")
    return ok(_READ, "A group can be read by its id.")


def guard(group: GroupResource) -> Finding:
    """Check what tells the gateway's writes that nobody else changed a group in between."""
    try:
        base_version = BaseVersion.of(group, group.date)
    except UpstreamInvalidResponse:
        text = "The group holds a value that can't be decoded, so it can't be written to."
        return warn(_GUARD, text, "Have it corrected on the server.")
    if base_version.is_exact:
        return ok(_GUARD, "Reads have their version as `ETag`: writes go with it, and are exact.")
    if base_version.second is not None:
        text = "Reads have no version as `ETag`: writes go by the server's `Date`, to the second."
        return ok(_GUARD, text)
    text = "Reads have neither their version as `ETag` nor a `Date` to guard a write with."
    return warn(_GUARD, text, "Others' changes may be overwritten: have no one else write.")


def clock(exchange: Exchange) -> Finding:
    """Compare the upstream's clock with this machine's."""
    theirs = http_date(exchange.headers.get("date", ""))
    if theirs is None:
        return warn(CLOCK, "Answers have no `Date`, so the server's clock is unknown.")
    # A whole second is any moment within it, and was read at any moment of the exchange.
    ahead = max(theirs - exchange.answered_at, 0.0) + min(theirs + 1.0 - exchange.asked_at, 0.0)
    if abs(ahead) <= _TOLERANCE:
        return ok(CLOCK, f"The server's clock agrees with this machine's, to {_TOLERANCE:.0f} s.")
    side = "ahead of" if ahead > 0 else "behind"
    text = f"The server's clock is {abs(ahead):.0f} s {side} this machine's."
    return warn(CLOCK, text, "Tokens may count as expired, or not valid yet: set both by NTP.")
