"""The searches of a server with a profile: parameters, pages and their links."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from anyserver.digits import encode
from anyserver.groups import Elements, references_of, unversioned
from anyserver.profile import Profile

_DEFAULT_PAGE = 10
_NUMBERED = frozenset({"numbers", "unlinked"})
_TAG = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


_TRAITS = frozenset({"characteristic", "identifier", "extension"})


@dataclass(frozen=True)
class Position:
    """Where a page begins in the results of which search."""

    filters: tuple[tuple[str, str], ...]
    start: int
    size: int
    end: int | None = None


@dataclass
class Pages:
    """Answers searches, and the links that it gave."""

    profile: Profile
    tokens: dict[str, Position] = field(default_factory=dict)

    def answer(self, path: str, groups: list[Elements]) -> httpx.Response | None:
        """Answer a search; None when the path is none."""
        parts = urlsplit(path)
        query = parse_qsl(parts.query, keep_blank_values=True)
        token = self._token(parts.path, dict(query))
        if token is not None:
            position = self.tokens.get(token)
            return _refusal("unknown page") if position is None else self._page(position, groups)
        if parts.path != "/Group":
            return None
        return self._first(query, groups)

    def _token(self, path: str, query: dict[str, str]) -> str | None:
        match self.profile.paging:
            case "query" if path == "/Group":
                return query.get("page-id")
            case "base" if path in {"", "/"}:
                return query.get("_getpages", "none")
            case "below-group" if path.startswith("/Group/__page/"):
                return path.rpartition("/")[2]
            case "below-base" if path == "/_snapshot":
                return query.get("id", "none")
        return None

    def _first(self, query: list[tuple[str, str]], groups: list[Elements]) -> httpx.Response:
        profile, asked = self.profile, dict(query)
        refused = self._refused(asked)
        if refused is not None:
            return _refusal(refused)
        size = min(int(asked.get("_count", _DEFAULT_PAGE)), profile.largest_page)
        is_numbered = profile.paging in _NUMBERED
        start = int(asked.get("_offset", 0)) if is_numbered else 0
        applied = tuple(pair for pair in query if pair[0] in {"_id", *profile.filters})
        if "_offset" in asked and not is_numbered and profile.offset == "breaks":
            size = len(groups) + 1
        if profile.paging == "none":
            size = len(groups) + 1
        numbers = [("_count", str(size)), ("_offset", str(start))] if start else []
        echoed = query if profile.self_link == "all" else [*applied, *numbers]
        own = self._url("/Group", echoed) if profile.self_link != "none" else None
        return self._page(Position(applied, start, size), groups, own, total="_total" in asked)

    def _refused(self, asked: dict[str, str]) -> str | None:
        """Return the parameter that is refused, if one is."""
        profile = self.profile
        known = {"_id", "_count", "_total", *profile.filters}
        if profile.paging in _NUMBERED or profile.offset != "refused":
            known.add("_offset")
        if int(asked.get("_count", 1)) > profile.largest_page and (
            profile.above_largest == "refused"
        ):
            return "_count"
        if "," in asked.get("_id", "") and profile.id_lists == "refused":
            return "_id"
        unknown = [name for name in asked if name not in known]
        if unknown and (profile.unknown == "refused" or unknown == ["_offset"]):
            return unknown[0]
        return None

    def _page(
        self,
        position: Position,
        groups: list[Elements],
        own: str | None = None,
        *,
        total: bool = False,
    ) -> httpx.Response:
        profile = self.profile
        found = [group for group in groups if self._fits(group, dict(position.filters))]
        end = min(position.start + self._length(position), len(found))
        links = [] if own is None else [{"relation": "self", "url": own}]
        is_linked = position.size and profile.paging != "unlinked"
        links += self._links(position, end, len(found)) if is_linked else []
        bundle: Elements = {"resourceType": "Bundle", "type": "searchset", "link": links}
        if profile.total == "always" or (total and profile.total == "asked"):
            bundle["total"] = len(found)
        entries = [self._entry(group) for group in found[position.start : end]]
        bundle["entry"] = self._noised(entries, links)
        return httpx.Response(200, content=encode(bundle))

    def _length(self, position: Position) -> int:
        if position.end is not None:  # the page before another one ends where that begins
            return position.end - position.start
        is_even = self.profile.paging in {"none", "unlinked"} or not self.profile.short_pages
        if is_even or not position.size:
            return position.size
        return 1 + (position.start * 7 + 3) % position.size

    def _links(self, position: Position, end: int, found: int) -> list[dict[str, str]]:
        profile, links = self.profile, []
        following = self._following(position.start, end, found)
        if following is not None:
            links.append({"relation": "next", "url": self._link(position, following)})
        uneven = profile.short_pages and profile.paging == "numbers"
        if position.start > 0 and profile.leads_back != "no" and not uneven:
            before = max(0, position.start - position.size)
            url = self._link(position, before, position.start)
            links.append({"relation": profile.leads_back, "url": url})
        if profile.has_ends:
            links.append({"relation": "first", "url": self._link(position, 0)})
        return links

    def _following(self, start: int, end: int, found: int) -> int | None:
        """Return where the next page begins; None when there is none."""
        if end < found:
            return end
        if self.profile.paging == "none" or found == 0:
            return None
        match self.profile.last_page:
            case "circles":
                return start
            case "is-empty" | "is-empty-and-circles" if start < found:
                return end
            case "is-empty-and-circles":
                return start
        return None

    def _link(self, position: Position, start: int, end: int | None = None) -> str:
        filters, size = list(position.filters), position.size
        if self.profile.paging in {"numbers", "none"}:
            numbers = [("_count", str(size)), ("_offset", str(start))]
            return self._url("/Group", [*filters, *numbers])
        token = f"t{len(self.tokens)}"
        self.tokens[token] = Position(position.filters, start, size, end)
        match self.profile.paging:
            case "query":
                return self._url("/Group", [("page-id", token), ("__t", "1")])
            case "base":
                return self._url("", [("_getpages", token), ("_bundletype", "searchset")])
            case "below-group":
                return self._url(f"/Group/__page/{token}", [])
            case _:
                return self._url("/_snapshot", [("id", token)])

    def _url(self, path: str, query: list[tuple[str, str]]) -> str:
        below = path + (f"?{urlencode(query)}" if query else "")
        base_path = self.profile.base_path
        match self.profile.links:
            case "absolute":
                return f"http://upstream.test{base_path}{below}"
            case "other-host":
                return f"https://internal.test:8443{base_path}{below}"
            case "relative" if path == "/Group":  # to the URL of the first page
                return below.removeprefix("/")
            case _:
                return f"{base_path}{below}" if base_path or path else f"/{below}"

    def _entry(self, group: Elements) -> Elements:
        if self.profile.search_results == "tagged":
            group = part_of(group)
        elif self.profile.search_results == "without-members":
            group = {name: value for name, value in group.items() if name != "member"}
        elif self.profile.search_results == "without-traits":
            group = {name: value for name, value in group.items() if name not in _TRAITS}
        mode = {"search": {"mode": "match"}} if self.profile.search_mode else {}
        return {"fullUrl": f"http://upstream.test/Group/{group['id']}", "resource": group, **mode}

    def _noised(self, entries: list[Elements], links: list[dict[str, str]]) -> list[Elements]:
        outcome = {"resource": {"resourceType": "OperationOutcome", "issue": []}}
        match self.profile.noise:
            case "outcome":
                return [{**outcome, "search": {"mode": "outcome"}}, *entries]
            case "bare-outcome":
                return [outcome, *entries]
            case "include":
                patient = {"resourceType": "Patient", "id": "p1"}
                return [*entries, {"resource": patient, "search": {"mode": "include"}}]
            case "twice":
                return [entry for entry in entries for _ in range(2)]
            case "no-url":
                links.append({"relation": "alternate"})
            case "empty":
                return [*entries, {}]
        return entries

    def _fits(self, group: Elements, filters: dict[str, str]) -> bool:
        if "_id" in filters:
            ids = filters["_id"]
            either = ids.split(",") if self.profile.id_lists == "or" else [ids]
            if group["id"] not in either:
                return False
        if filters.get("type", group["type"]) != group["type"]:
            return False
        references = {unversioned(reference) for reference in references_of(group)}
        patient, member = filters.get("patient"), filters.get("member")
        if patient is not None and f"Patient/{patient.removeprefix('Patient/')}" not in references:
            return False
        return member is None or member in references


def part_of(group: Elements) -> Elements:
    """Return a group without its members, tagged as FHIR has it."""
    rest = {name: value for name, value in group.items() if name != "member"}
    return {**rest, "meta": {**rest.get("meta", {}), "tag": [_TAG]}}


def _refusal(what: str) -> httpx.Response:
    issue = {"severity": "error", "code": "invalid", "diagnostics": f"Not supported: {what}"}
    return httpx.Response(400, json={"resourceType": "OperationOutcome", "issue": [issue]})
