"""Searches by name: what of a filter a server can be asked, and what shows that it does it. Pure.

FHIR's `name` finds names that start with a text and `name:contains` names with it in them, both
without regard to case and accents. `name:exact` finds the very text. Servers differ: some ignore
modifiers, some count accents. So a control search for a known name must find it first.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from group_gateway.fhir.bundle import Searchset
from group_gateway.groups.reading.filters.filter_values import StringFilter
from group_gateway.groups.reading.filters.group_outline import PageNames, names_on
from group_gateway.groups.reading.filters.text_folding import fold

LONGEST_TEXT = 100
"""Characters of a text to search for. Servers index the beginning of a name only."""
_EXACT = re.compile(r"[^,|$\\\x00-\x1f\x7f]+")
_PLAIN = re.compile(r"[ !-#%-+\--\[\]-{}~]+")
"""ASCII without the characters that FHIR gives a meaning to: `$ , \\ |`."""
_HALVES = "sS "
"""What is not sent at the ends of a text: one `s` also finds half of an `ß` here."""
_WORD = re.compile(r"[a-z]{4,}")
_ACCENTED = str.maketrans("AEIOUYCN", "ÁÉÍÓÚÝÇÑ")
_SHORTEST_CONTROL = 3
_MOST_CONTROLS = 24
"""Controls that are considered; each is compared with all names of a page."""


def exact_part(wanted: StringFilter) -> StringFilter | None:
    """Return the part of a filter that `name:exact` expresses; None if there is none."""
    text = wanted.equals
    if text is None or text != text.strip() or not _is_short(_EXACT.fullmatch(text)):
        return None
    return StringFilter(equals=text)


def starting_part(wanted: StringFilter) -> StringFilter | None:
    """Return the part of a filter that `name` expresses; None if there is none.

    An equal name starts with the text too.
    """
    text = wanted.equals if wanted.starts_with is None else wanted.starts_with
    plain = _plain((text or "").lstrip().rstrip(_HALVES))
    return StringFilter(starts_with=plain) if plain else None


def inner_part(wanted: StringFilter) -> StringFilter | None:
    """Return the part of a filter that `name:contains` expresses; None if there is none."""
    plain = _plain((wanted.contains or "").strip(_HALVES))
    return StringFilter(contains=plain) if plain else None


def _plain(text: str) -> str | None:
    """Return a text; None if servers may fold it in another way.

    Those are letters that are not Latin, `ss`, which also finds `ß` here, and signs alone, which
    servers may drop.
    """
    folded = fold(text)
    is_odd = "ss" in folded or "  " in folded or not any(map(str.isalnum, folded))
    return None if is_odd or not _is_short(_PLAIN.fullmatch(folded)) else text


def _is_short(match: re.Match[str] | None) -> bool:
    return match is not None and len(match.group()) <= LONGEST_TEXT


@dataclass(frozen=True, slots=True)
class NameControl:
    """A search by name that must find the groups that are `expected`."""

    text: str
    wanted: StringFilter
    expected: frozenset[str]

    def is_found(self, answer: Searchset) -> bool:
        """Return whether the upstream found them. Of a page with more to follow, one is enough."""
        missed = self.expected.difference(answer.ids)
        return len(missed) < len(self.expected) if "next" in answer.links else not missed

    def is_exact(self, answer: Searchset) -> bool:
        """Return whether it found nothing that does not match."""
        return len(self.wanted.matches(names_on(answer))) == len(answer.entries)


def control_for(parameter: str, page: Searchset) -> NameControl | None:
    """Return a control search for a parameter, from known groups; None if they allow none.

    Some groups match and others don't, so an upstream that ignores the parameter is noticed. The
    names with accents come first.
    """
    names = names_on(page)
    texts = sorted((n for n in names.names if isinstance(n, str)), key=str.isascii)
    for text, wanted in islice(_CANDIDATES[parameter](texts), _MOST_CONTROLS):
        matching = wanted.matches(names)
        if wanted.contains is not None and _starts_a_word(wanted.contains, names, matching):
            continue
        ids = {group.id for i in matching if (group := page.entries[i]) is not None}
        if 0 < len(ids) < len(page.groups):
            return NameControl(text, wanted, frozenset(ids))
    return None


def _starts_a_word(text: str, names: PageNames, indexes: Iterable[int]) -> bool:
    """Return whether a search for the beginnings of words would find a name as well."""
    start = re.compile(rf"\b{re.escape(text)}")
    return any(start.search(names.folded[i]) for i in indexes)


Candidates = Iterator[tuple[str, StringFilter]]


def _whole(names: Iterable[str]) -> Candidates:
    for name in names:
        wanted = exact_part(StringFilter(equals=name))
        if wanted is not None and len(name) >= _SHORTEST_CONTROL:
            yield name, wanted


def _starts(names: Iterable[str]) -> Candidates:
    """Yield names without the last letter, in another case and with other accents."""
    for name in names:
        yield from _disguised(fold(name)[:-1], lambda text: StringFilter(starts_with=text))


def _insides(names: Iterable[str]) -> Candidates:
    """Yield words without the first letter, in another case and with other accents."""
    for name in names:
        for word in _WORD.findall(fold(name)):
            yield from _disguised(word[1:], lambda text: StringFilter(contains=text))


def _disguised(text: str, wanted: Callable[[str], StringFilter]) -> Candidates:
    if len(text) < _SHORTEST_CONTROL or _plain(text) != text:
        return
    sent = text.upper().translate(_ACCENTED)
    if not sent.isascii():
        yield sent, wanted(text)


_CANDIDATES: dict[str, Callable[[Iterable[str]], Candidates]] = {
    "name": _starts,
    "name:contains": _insides,
    "name:exact": _whole,
}
