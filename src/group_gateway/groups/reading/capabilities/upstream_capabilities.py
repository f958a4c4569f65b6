"""What the gateway knows about its upstream, from its CapabilityStatement and responses."""

from dataclasses import dataclass, field

from group_gateway.groups.reading.capabilities.capability_probe import CapabilityProbe
from group_gateway.groups.reading.capabilities.paging_support import PagingSupport
from group_gateway.groups.reading.capabilities.partial_results import WholeResults


@dataclass(slots=True)
class UpstreamCapabilities:
    """What one upstream supports, as far as it is known.

    `id_lists`: whether it searches by several ids at once (`_id=a,b`). `parameters`: whether it
    accepts a search parameter, by name; `exclusions`: whether a search by it leaves out groups
    that don't match; `inclusions`: whether a search by it finds any groups. `omission_removes`:
    whether an update removes the members that it omits. `whole_results`: which elements its
    searches omit. `history`: whether it keeps old versions.

    `declared` are the search parameters that its CapabilityStatement names: None until the
    statement was read, or when it names none. `interactions` (with Group) and `resource_types` are
    empty then.
    """

    id_lists: CapabilityProbe = field(default_factory=CapabilityProbe)
    parameters: dict[str, CapabilityProbe] = field(default_factory=dict)
    omission_removes: CapabilityProbe = field(default_factory=CapabilityProbe)
    whole_results: WholeResults = field(default_factory=WholeResults)
    exclusions: dict[str, CapabilityProbe] = field(default_factory=dict)
    inclusions: dict[str, CapabilityProbe] = field(default_factory=dict)
    declared: frozenset[str] | None = None
    interactions: frozenset[str] = frozenset()
    resource_types: frozenset[str] = frozenset()
    history: CapabilityProbe = field(default_factory=CapabilityProbe)
    paging: PagingSupport = field(default_factory=PagingSupport)

    def parameter(self, name: str) -> CapabilityProbe:
        """Return the probe of a search parameter."""
        return self.parameters.setdefault(name, CapabilityProbe())

    def exclusion(self, name: str) -> CapabilityProbe:
        """Return the probe of whether a search parameter excludes groups that don't match."""
        return self.exclusions.setdefault(name, CapabilityProbe())

    def inclusion(self, name: str) -> CapabilityProbe:
        """Return the probe of whether a search parameter finds groups at all."""
        return self.inclusions.setdefault(name, CapabilityProbe())

    def finds(self, name: str) -> bool:
        """Return whether an empty result of a search by this parameter can be relied on."""
        is_declared = name.partition(":")[0] in (self.declared or ())
        return is_declared or self.inclusion(name).recently_proven

    def refuse(self, name: str) -> None:
        """Record that a search by this parameter was refused.

        The value is at fault if the upstream declares the parameter, or if it has worked before.
        """
        if self.declared is None and not self.parameter(name).proven:
            self.parameter(name).learn(works=False)

    def may_search_by(self, name: str) -> bool:
        """Return whether a search by this parameter, maybe with a modifier, is worth sending."""
        if self.declared is not None and name.partition(":")[0] not in self.declared:
            return False
        return self.parameter(name).worth_trying
