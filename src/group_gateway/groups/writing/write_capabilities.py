"""What the gateway has learned about its upstream's writes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from group_gateway.fhir.operation_outcome import Issue
from group_gateway.groups.reading.capabilities.capability_probe import CapabilityProbe

_COMPUTED = re.compile(r"\b(quantity|display)\b")
_PRECONDITION = re.compile(r"\b(if-match|etag|entity tag|precondition)\b", re.IGNORECASE)


@dataclass(slots=True)
class WriteCapabilities:
    """The probes of one upstream.

    `omission_removes`: an update removes the members that it omits. `takes_computed`: it accepts
    `quantity` and the members' `display`. `guards`: it honours preconditions; proven by a 412.
    `tag_form` is the index of the way to write entity tags that it understands.
    """

    omission_removes: CapabilityProbe
    takes_computed: CapabilityProbe = field(default_factory=CapabilityProbe)
    guards: CapabilityProbe = field(default_factory=CapabilityProbe)
    tag_form: int = 0


def is_about_computed(issues: Iterable[Issue]) -> bool:
    """Return whether an upstream's issues name an element that some upstreams compute."""
    return _name(_COMPUTED, issues)


def is_about_precondition(issues: Iterable[Issue]) -> bool:
    """Return whether an upstream's issues name the precondition of a write."""
    return _name(_PRECONDITION, issues)


def _name(what: re.Pattern[str], issues: Iterable[Issue]) -> bool:
    return any(
        what.search(text)
        for issue in issues
        for text in (issue.text, issue.diagnostics or "", *issue.expression)
    )
