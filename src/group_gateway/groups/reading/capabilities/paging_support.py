"""How an upstream supports paging: `_count`, up to some number, and `_offset`.

Neither is taken for granted. A refused parameter is omitted, and tried again after a while.
"""

import re
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from group_gateway.errors import BadUserInput, Forbidden, GatewayError, UpstreamInvalidResponse
from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.page_link import PageLink, Query
from group_gateway.groups.reading.capabilities.capability_probe import CapabilityProbe

COUNT, OFFSET = "_count", "_offset"
_REFUSALS = frozenset({405, 406, 414, 501})
"""Statuses that refuse a request as such, whatever the body says."""
_QUOTED = r"[`'\"\u2018\u201c]{0}[`'\"\u2019\u201d:=]|\b{0}="
_PLAIN = r"(?<!\w){0}(?!\w)"
_NUMBER = re.compile(r"\d{1,9}")
_USUAL_PAGE = 10
"""Groups that a server is assumed to return for a search without `_count`."""


class DroppedPage(BadUserInput):
    """The upstream refuses a page that was linked or valid before."""


class InvalidLink(UpstreamInvalidResponse):
    """A page link must not be followed."""


def is_refusal(error: GatewayError) -> bool:
    """Return whether the upstream refused a search.

    Servers respond to an unsupported parameter, value or page with 400, 404, 405, 410, 422 or 501.
    A 404 without an OperationOutcome comes from a wrong base URL.
    """
    return (
        isinstance(error, BadUserInput)
        or error.status in _REFUSALS
        or (isinstance(error, UpstreamInvalidResponse) and bool(error.issues))
    )


async def unless_refused(search: Awaitable[Searchset]) -> Searchset | None:
    """Return the page that a search returns; None when the upstream refuses the search."""
    try:
        return await search
    except GatewayError as error:
        if is_refusal(error):
            return None
        raise


def named_in(error: GatewayError, names: Sequence[str]) -> str | None:
    """Return the parameter that the upstream's text is about: the first one in quotes.

    Parameters whose names are not English words count without quotes too.
    """
    for text in _words(error):
        for pattern in (_QUOTED, _PLAIN):
            found = [
                (match.start(), name)
                for name in names
                if (pattern is _QUOTED or name.startswith("_"))
                and (match := re.search(pattern.format(re.escape(name)), text))
            ]
            if found:
                return min(found)[1]
    return None


def turned_down(error: GatewayError, names: Sequence[str]) -> bool:
    """Return whether a search was refused, maybe for one of these parameters."""
    return is_refusal(error) or (
        isinstance(error, Forbidden) and named_in(error, names) is not None
    )


def may_turn_down(error: GatewayError) -> bool:
    """Return whether a server may have failed because of a parameter that it does not expect."""
    return error.status == HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, Forbidden)


def _words(error: GatewayError) -> list[str]:
    return [
        text
        for issue in error.issues
        for text in (*issue.expression, issue.text, issue.diagnostics or "")
        if text
    ]


@dataclass(slots=True)
class PagingSupport:
    """What was learned about `_count` and `_offset`.

    `largest` is the largest accepted `_count`. While `limit` has failed, nothing larger is sent.
    `default` is how many groups a page has without `_count`, or an assumption until one was seen.
    `links` is whether a page that others follow has a `next` link. While `trouble` has failed, an
    error without a reason is not taken for a refused parameter. `most_shown` is the largest number
    of groups on a page, and `judged` that of a page after which a `next` link was looked for.
    """

    offset: CapabilityProbe = field(default_factory=CapabilityProbe)
    limit: CapabilityProbe = field(default_factory=CapabilityProbe)
    links: CapabilityProbe = field(default_factory=CapabilityProbe)
    trouble: CapabilityProbe = field(default_factory=CapabilityProbe)
    largest: int = 0
    default: int = _USUAL_PAGE
    most_shown: int = 0
    judged: int = 1

    def size(self, count: int) -> int:
        """Return the `_count` to send for this number of groups; 0 if a page without has more."""
        if self.limit.worth_trying:
            return count
        return min(count, self.largest) if self.largest >= min(count, self.default) else 0

    def query(self, count: int, offset: int = 0) -> Query:
        """Return the parameters that request a page."""
        size = self.size(count)
        counted: Query = ((COUNT, str(size)),) if size else ()
        numbered: Query = ((OFFSET, str(offset)),) if offset or self.offset.worth_trying else ()
        return counted + numbered

    def taken(self, query: Query, content: Searchset) -> None:
        """Record the page that a search with these parameters returned."""
        sent = dict(query)
        self.largest = max(self.largest, _requested(query))
        if COUNT not in sent and "next" in content.links:
            self.default = len(content.entries)
        if OFFSET in sent:
            self.offset.learn(works=True)

    def refused(self, name: str) -> None:
        """Record that one of the parameters was refused."""
        if name == OFFSET:
            self.offset.learn(works=False)
        else:
            self.limit.learn(works=False)

    def shown(self, *, is_linked: bool, more: bool) -> None:
        """Learn from a page whether others are linked; it may have `more` groups than a smaller."""
        if is_linked or more:
            self.links.learn(works=is_linked)

    def may_cut(self, count: int) -> bool:
        """Return whether more groups may follow a page of `count` that has no `next` link.

        So it is where such links are known to be missing. A server that shows no more than some
        number of groups shows that many wherever there are more.
        """
        self.most_shown = max(self.most_shown, count)
        return count == self.most_shown and not self.links.worth_trying

    def is_doubtful(self, count: int) -> bool:
        """Return whether a page of `count` groups without a `next` link is worth a closer look."""
        is_unknown = self.links.worth_trying and not self.links.proven
        return is_unknown and count == self.most_shown and count > self.judged

    def is_open(self, name: str, query: Query) -> bool:
        """Return whether it is unknown yet that a parameter of a query is supported."""
        if name == OFFSET:
            return not self.offset.proven
        return _requested(query) > self.largest

    def with_fewer(self, link: PageLink, error: GatewayError) -> PageLink | None:
        """Learn from a refusal of a page; return a link to fewer groups, if that may help."""
        if not is_refusal(error) or link.parameter(COUNT) is None:
            return None
        if not self.is_open(COUNT, link.query):
            return None
        smaller = self.smaller(link.query, error)
        self.refused(COUNT)
        return with_count(link, smaller or self.size(_requested(link.query)))

    def smaller(self, query: Query, error: GatewayError) -> int:
        """Return the `_count` that the upstream's text names as its limit; 0 if it names none."""
        requested = _requested(query)
        numbers = (int(n) for text in _words(error) if COUNT in text for n in _NUMBER.findall(text))
        return max((number for number in numbers if 0 < number < requested), default=0)


def _requested(query: Query) -> int:
    return int(dict(query).get(COUNT, "0"))


def with_count(link: PageLink, count: int) -> PageLink:
    """Return the link with another `_count`; 0 omits it."""
    query = tuple(
        (name, str(count) if name == COUNT else value)
        for name, value in link.query
        if name != COUNT or count
    )
    return PageLink(query, link.path)
