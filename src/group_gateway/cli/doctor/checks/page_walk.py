"""Whether the upstream's pages lead through all groups."""

from group_gateway.cli.doctor.findings import Finding, fail, ok, warn
from group_gateway.cli.doctor.upstream_probe import UpstreamProbe
from group_gateway.fhir.bundle import Searchset

_PAGES, _TOTAL = "pages", "total"


async def pages(probe: UpstreamProbe, sample: Searchset) -> Finding:
    """Check that a page of one group links to the next group."""
    if len(sample.groups) < 2:  # noqa: PLR2004 - two pages
        return ok(_PAGES, "There are too few groups for two pages.")
    first = (await probe.open(count=1)).value
    if first is None:
        return warn(_PAGES, "A search for a page of one group is refused.", _UNREACHABLE)
    link = first.links.get("next")
    if link is None:
        return _without_next(first, sample)
    return _following(first, (await probe.follow(link)).value)


_UNREACHABLE = "The gateway can't give more than the first page of a search."


def _without_next(first: Searchset, sample: Searchset) -> Finding:
    if len(first.groups) >= len(sample.groups):
        return warn(_PAGES, "`_count` is ignored: all groups come on one page.")
    return fail(_PAGES, "There is no `next` link on a page that others follow.", _UNREACHABLE)


def _following(first: Searchset, second: Searchset | None) -> Finding:
    if second is None:
        return fail(_PAGES, "The `next` link leads nowhere.", _UNREACHABLE)
    if {group.id for group in first.groups} & {group.id for group in second.groups}:
        return fail(_PAGES, "The `next` link leads to the same groups again.", _UNREACHABLE)
    if len(first.groups) > 1:
        return warn(_PAGES, "The page links work, but `_count` is ignored.")
    return ok(_PAGES, "`_count` and the page links work.")


async def total(probe: UpstreamProbe, sample: Searchset) -> Finding:
    """Check that searches state how many groups there are."""
    if sample.total is not None:
        return ok(_TOTAL, "Searches tell how many groups they find.")
    counted = (
        await probe.search(*probe.capabilities.paging.query(1), ("_total", "accurate"))
    ).value
    if counted is not None and counted.total is not None:
        return ok(_TOTAL, "Searches tell how many groups they find when `_total` asks for it.")
    return warn(_TOTAL, "Searches do not tell how many groups they find.", "`totalCount` is null.")
