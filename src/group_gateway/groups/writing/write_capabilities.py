"""What the gateway has learned about its upstream's writes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from group_gateway.fhir.operation_outcome import Issue
from group_gateway.groups.reading.capability_probe import CapabilityProbe

_COMPUTED = re.compile(r"\b(quantity|display)\b")


@dataclass(slots=True)
class WriteCapabilities:
    """The probes of one upstream.

    `omission_removes`: an update removes the members that it omits. `takes_computed`: it accepts
    `quantity` and the members' `display`. `guards`: it honours preconditions; proven by a 412.
    """

    omission_removes: CapabilityProbe
    takes_computed: CapabilityProbe = field(default_factory=CapabilityProbe)
    guards: CapabilityProbe = field(default_factory=CapabilityProbe)


def is_about_computed(issues: Iterable[Issue]) -> bool:
    """Return whether an upstream's issues name an element that some upstreams compute."""
    return any(
        _COMPUTED.search(text)
        for issue in issues
        for text in (issue.text, issue.diagnostics or "", *issue.expression)
    )
