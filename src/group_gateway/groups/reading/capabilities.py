"""What the gateway has learned about its upstream, from its own words and from its answers.

Nothing is assumed for good: what did not work is tried again after a while, so an upstream that
changes is noticed without a restart.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

_RETRY_AFTER = 600.0


@dataclass(slots=True)
class CapabilityProbe:
    """Something that an upstream may or may not do; `proven` when the last try worked."""

    clock: Callable[[], float] = time.monotonic
    failed_at: float | None = None
    proven: bool = False

    @property
    def worth_trying(self) -> bool:
        """Whether it is not known to fail (any more)."""
        return self.failed_at is None or self.clock() - self.failed_at > _RETRY_AFTER

    def learn(self, *, works: bool) -> None:
        """Remember how a try went."""
        self.proven = works
        self.failed_at = None if works else self.clock()


@dataclass(slots=True)
class UpstreamCapabilities:
    """The trials of one upstream: id lists (`_id=a,b`), each search parameter, and updates.

    `omission_removes` is whether an update removes the members that it leaves out.
    `declared` are the search parameters that its CapabilityStatement names, None until it was
    read or when it names none.
    """

    id_lists: CapabilityProbe = field(default_factory=CapabilityProbe)
    parameters: dict[str, CapabilityProbe] = field(default_factory=dict)
    omission_removes: CapabilityProbe = field(default_factory=CapabilityProbe)
    declared: frozenset[str] | None = None

    def parameter(self, name: str) -> CapabilityProbe:
        """Give the trial of a search parameter."""
        return self.parameters.setdefault(name, CapabilityProbe())

    def refuse(self, name: str) -> None:
        """Note that a search by this parameter was turned down.

        The value is to blame where the upstream declares the parameter, or it has worked before.
        """
        if self.declared is None and not self.parameter(name).proven:
            self.parameter(name).learn(works=False)

    def may_search_by(self, name: str) -> bool:
        """Tell whether a search by this parameter is worth sending."""
        if self.declared is not None and name not in self.declared:
            return False
        return self.parameter(name).worth_trying
