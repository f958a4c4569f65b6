"""Proof that an upstream applies a search parameter: a search for another value.

An upstream may echo a parameter in its `self` link and ignore it, and the first page may match by
chance. A server that ignores a parameter returns the same groups for the opposite value.

Another server returns nothing for a parameter that it does not know. An empty result is relied on
if a search by the same parameter has found a group.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import suppress
from typing import Any

from group_gateway.errors import GatewayError, TooManyUpstreamCalls
from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.group_resource import GroupResource, NotAGroup
from group_gateway.fhir.page_link import PageLink, Query
from group_gateway.groups.reading.capabilities.paging_support import is_refusal, unless_refused
from group_gateway.groups.reading.capabilities.upstream_capabilities import UpstreamCapabilities
from group_gateway.groups.reading.filters.name_search import control_for
from group_gateway.groups.reading.pages.page_numbers import PAGE_SIZE
from group_gateway.groups.reading.searches.sample_values import sample_value

NOBODY = "group-gateway-asks-for-nobody"
"""An id, code or value that no group has."""
_TYPES = ("person", "practitioner")
_FLAGS = {"true": "false", "false": "true"}
_FLAGGED = frozenset({"active", "actual"})
_ELEMENTS = _FLAGGED | {"type"}
_OPPOSITES = {
    "_filter": f'_id eq "{NOBODY}"',
    "member": f"Patient/{NOBODY}",
    "managing-entity": f"Organization/{NOBODY}",
    "characteristic-value": f"{NOBODY}${NOBODY}",
    "_lastUpdated": "lt1000-01-01",
}
_SAMPLES = 10
"""Groups to take a value from that a search must find."""
_SORT = "_sort"
_ENDS = ("_id", "-_id")
"""Two orders in which no two groups begin the list."""


def opposite(name: str, values: Collection[str]) -> str | None:
    """Return a value that excludes the groups with any of these values; None if there is none."""
    if name == "type":
        return next((type for type in _TYPES if type not in values), None)
    if name in _FLAGGED:
        return _FLAGS.get(next(iter(values))) if len(values) == 1 else None
    if name == "exclude":  # a group may have characteristics of both senses
        return None
    return _OPPOSITES.get(name, NOBODY)


class FilterProof:
    """Prove the parameters of a search; `get` returns a page. Proofs are remembered."""

    def __init__(
        self,
        capabilities: UpstreamCapabilities,
        get: Callable[[PageLink], Awaitable[Searchset]],
    ) -> None:
        self._capabilities = capabilities
        self._get = get

    async def holds(self, query: Query, shown: Searchset) -> bool:
        """Return whether the upstream applies all parameters of a search that returned `shown`.

        Parameters that turn out to be ignored are not sent any more.
        """
        for name, values in _grouped(query):
            exclusion = self._capabilities.exclusion(name)
            if exclusion.recently_proven:
                continue
            value = opposite(name, values)
            if value is None or not exclusion.worth_trying or not shown.groups:
                return False
            if name == _SORT:
                proven = await self._sorts(values)
            else:
                proven = await self._excludes(name, value, shown)
            exclusion.learn(works=proven)
            if not proven:
                self._capabilities.parameter(name).learn(works=False)
                return False
        return True

    async def finds(self, names: Iterable[str], shown: Searchset) -> bool:
        """Try parameters by control searches for groups of a page; return whether one works.

        Its counts are proven too if it finds nothing else.
        """
        for name in names:
            control = control_for(name, shown)
            if control is None:
                continue
            query = ((name, control.text), *self._capabilities.paging.query(PAGE_SIZE))
            page = await unless_refused(self._get(PageLink(query)))
            works = page is not None and control.is_found(page)
            self._capabilities.parameter(name).learn(works=works)
            if page is not None and works:
                self._capabilities.exclusion(name).learn(works=control.is_exact(page))
                return True
        return False

    async def finds_any(self, names: Collection[str]) -> bool:
        """Return whether each of these parameters finds groups, or none is known to fail.

        Those that don't are not sent any more.
        """
        unproven = [name for name in names if not self._capabilities.finds(name)]
        if not unproven:
            return True
        try:
            shown = await self._get(PageLink(self._capabilities.paging.query(_SAMPLES)))
            found = [await self._finds(name, shown) for name in unproven]
        except GatewayError as error:
            if is_refusal(error) or isinstance(error, TooManyUpstreamCalls):
                return True
            raise
        return all(found)

    async def _finds(self, name: str, shown: Searchset) -> bool:
        value = next(_values(name, shown), None)
        if value is None:
            return True
        page = await self._ask(name, value)
        works = page is None or bool(page.entries) or "next" in page.links
        self._capabilities.inclusion(name).learn(works=works)
        if not works:
            self._capabilities.parameter(name).learn(works=False)
        return works

    async def sorts_by(self, name: str, key: Callable[[GroupResource], Any]) -> bool:
        """Return whether the upstream sorts by a parameter that stands for the `key` of groups.

        Then the list begins with a lesser key in one direction than in the other.
        """
        probe = self._capabilities.exclusion(f"{_SORT}={name}")
        if probe.recently_proven or not probe.worth_trying:
            return probe.proven
        ends = [await self._ask(_SORT, order) for order in (name, f"-{name}")]
        keys = [key(page.groups[0]) for page in ends if page and page.groups and _is_sorted(page)]
        works = len(keys) == len(ends) and None not in keys and keys[0] < keys[1]
        probe.learn(works=works)
        return works

    def disprove_order(self, name: str) -> None:
        """Record that the upstream does not sort by a parameter after all."""
        self._capabilities.exclusion(f"{_SORT}={name}").learn(works=False)

    async def _sorts(self, keys: list[str]) -> bool:
        """Return whether opposite orders start with different groups.

        All groups may have the same keys, but not the same ids.
        """
        reverse = [key[1:] if key.startswith("-") else f"-{key}" for key in keys]
        for one, other in ((",".join(keys), ",".join(reverse)), _ENDS):
            pages = [await self._ask(_SORT, order) for order in (one, other)]
            ends = [page and page.ids[:1] for page in pages]
            if None in ends or ends[0] != ends[1]:
                return True
        return False

    async def _excludes(self, name: str, value: str, shown: Searchset) -> bool:
        page = await self._ask(name, value)
        if page is None:
            return True
        if not page.groups:
            return not page.entries and "next" not in page.links
        return _is_other(name, value, page, shown)

    async def _ask(self, name: str, value: str) -> Searchset | None:
        """Search by one value; return None when it is refused.

        A refusal shows that the upstream reads the value.
        """
        link = PageLink(((name, value), *self._capabilities.paging.query(1)))
        return await unless_refused(self._get(link))


def _values(name: str, shown: Searchset) -> Iterator[str]:
    for group in shown.groups:
        with suppress(NotAGroup):
            value = sample_value(name, group.elements)
            if value is not None:
                yield value


def _is_sorted(page: Searchset) -> bool:
    """Return whether the upstream says that a page is sorted."""
    own = page.links.get("self")
    return own is not None and own.parameter(_SORT) is not None


def _grouped(query: Query) -> Iterator[tuple[str, list[str]]]:
    for name in dict.fromkeys(name for name, _ in query):
        sent = [value.split(",") for given, value in query if given == name]
        yield name, [value for values in sent for value in values]


def _is_other(name: str, value: str, page: Searchset, shown: Searchset) -> bool:
    """Return whether the groups found for the opposite differ from all those shown."""
    if name not in _ELEMENTS or not set(page.ids).isdisjoint(shown.ids):
        return False
    try:
        found = [group.elements.get(name) for group in page.groups]
    except NotAGroup:
        return False
    return all(_code(item) == value for item in found)


def _code(item: object) -> object:
    return str(item).lower() if isinstance(item, bool) else item
