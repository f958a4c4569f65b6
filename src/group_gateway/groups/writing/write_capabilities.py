"""What the gateway has learned about its upstream's writes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from group_gateway.errors import Conflict, GatewayError, Refused
from group_gateway.fhir.operation_outcome import Issue
from group_gateway.groups.reading.capabilities.capability_probe import CapabilityProbe
from group_gateway.groups.writing.drafts import computed_elements, has_server_meta

_COMPUTED = re.compile(r"\b(quantity|display)\b")
_META = re.compile(r"\b(versionId|lastUpdated)\b")
_PRECONDITION = re.compile(r"\b(if-match|etag|entity tag|precondition)\b", re.IGNORECASE)
_CONDITIONAL = re.compile(
    r"\b(if-match|if-unmodified-since|etag|preconditions?|conditional (update|write|delete)s?)\b",
    re.IGNORECASE,
)
_UNSUPPORTED = re.compile(
    r"\b(unsupported|not (yet )?(supported|implemented|allowed)|unknown header)\b", re.IGNORECASE
)


@dataclass(slots=True)
class WriteCapabilities:
    """The probes of one upstream.

    `omission_removes`: an update removes the members that it omits. `takes_computed`: it accepts
    `quantity` and the members' `display`; `takes_meta`: it accepts the elements of `meta` that it
    sets itself; `takes_preconditions`: it accepts a conditional write. `keeps_history`: it shows a
    group's versions. `guards`: it honours
    preconditions; proven by a 412. `tag_form` is the index of the way to write entity tags that it
    understands.
    """

    omission_removes: CapabilityProbe
    takes_computed: CapabilityProbe = field(default_factory=CapabilityProbe)
    takes_meta: CapabilityProbe = field(default_factory=CapabilityProbe)
    takes_preconditions: CapabilityProbe = field(default_factory=CapabilityProbe)
    keeps_history: CapabilityProbe = field(default_factory=CapabilityProbe)
    guards: CapabilityProbe = field(default_factory=CapabilityProbe)
    tag_form: int = 0

    def simplifies(self, refusal: GatewayError, body: bytes, *, is_guarded: bool) -> bool:
        """Learn what the upstream does not accept in a write; return whether to try without it.

        `is_guarded` is whether there is a precondition, which is sent unless it is refused.
        """
        if isinstance(refusal, Conflict):
            return False
        if is_guarded and _refuses_preconditions(refusal):
            refused = self.takes_preconditions
        elif not isinstance(refusal, Refused):
            return False
        elif _name(_META, refusal.issues) and has_server_meta(body):
            refused = self.takes_meta
        elif _name(_COMPUTED, refusal.issues) and computed_elements(body):
            refused = self.takes_computed
        else:
            return False
        is_news = refused.worth_trying
        refused.learn(works=False)
        return is_news


def may_be_overtaken(refusal: GatewayError) -> bool:
    """Return whether a refusal may be about a concurrent change, or the way it was asked."""
    if isinstance(refusal, Conflict):
        return True
    return isinstance(refusal, Refused) and _name(_PRECONDITION, refusal.issues)


def _refuses_preconditions(refusal: GatewayError) -> bool:
    """Return whether an upstream says that it has no conditional writes."""
    return refusal.no_effect and any(
        _CONDITIONAL.search(text)
        and (issue.code == "not-supported" or _UNSUPPORTED.search(text) is not None)
        for issue in refusal.issues
        for text in _texts(issue)
    )


def _name(what: re.Pattern[str], issues: Iterable[Issue]) -> bool:
    return any(what.search(text) for issue in issues for text in _texts(issue))


def _texts(issue: Issue) -> Iterable[str]:
    return (issue.text, issue.diagnostics or "", *issue.expression)
