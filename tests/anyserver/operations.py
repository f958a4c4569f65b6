"""What is asked of a gateway in a world, and whether the answer holds."""

from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from anyserver.checks import (
    Answer,
    error_codes,
    wrong_elements,
    wrong_list,
    wrong_members,
)
from anyserver.groups import PEOPLE, STAFF, Elements, references_of, unversioned
from anyserver.server import Server
from anyserver.versions import wrong_history

FIELDS = "id name active actual quantity member { inactive entity { reference display } }"
READ = f"query ($id: ID!) {{ group(id: $id) {{ {FIELDS} version }} }}"
SEVERAL = f"""query ($a: ID!, $b: ID!, $c: ID!) {{
  a: group(id: $a) {{ {FIELDS} }} b: group(id: $b) {{ {FIELDS} }} c: group(id: $c) {{ {FIELDS} }}
}}"""
LIST = f"""query ($filter: GroupFilter, $first: Int, $after: String, $last: Int, $before: String) {{
  groups(filter: $filter, first: $first, after: $after, last: $last, before: $before) {{
    edges {{ node {{ {FIELDS} }} }}
    pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
  }}
}}"""
TOTAL = "query ($filter: GroupFilter) { groups(filter: $filter, first: 1) { totalCount } }"
TOKENS = ("all", "half")
_MOST_PAGES = 80


@dataclass
class World:
    """A server, a gateway on it, and the ids of the groups there that are no valid FHIR."""

    rng: Random
    server: Server
    http: httpx.AsyncClient
    broken: frozenset[str]
    requests: int = 0

    async def ask(self, query: str, *, token: str = "all", **variables: Any) -> Answer:
        """Ask the gateway."""
        self.requests += 1
        response = await self.http.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {token}"},
        )
        answer: Answer = response.json()
        return answer

    def visible(self, token: str) -> list[Elements]:
        """Return what a plain read or search shows this caller."""
        return self.server.visible(f"Bearer {token}")

    def some_id(self) -> str | None:
        """Choose a group that is there."""
        return self.rng.choice(list(self.server.records)) if self.server.records else None


async def read(world: World) -> str | None:
    """Ask for one group: it is as a plain read shows it, and so are its versions."""
    token = world.rng.choice(TOKENS)
    id = world.some_id() or "g0"
    answer = await world.ask(READ, token=token, id=id)
    shown = answer["data"] and answer["data"]["group"]
    what = _wrong_group(world, token, id, answer, shown)
    return what or await wrong_history(world, token, id)


async def read_several(world: World) -> str | None:
    """Ask for three at once, by whatever the server's searches by id are worth."""
    token = world.rng.choice(TOKENS)
    ids = {alias: world.some_id() or "g0" for alias in ("a", "b", "c")}
    ids["c"] = world.rng.choice((ids["c"], "nobody"))
    answer = await world.ask(SEVERAL, token=token, **ids)
    for alias, id in ids.items():
        what = _wrong_group(world, token, id, answer, (answer["data"] or {}).get(alias))
        if what is not None:
            return what
    return None


def _wrong_group(world: World, token: str, id: str, answer: Answer, shown: Any) -> str | None:
    expected = {group["id"]: group for group in world.visible(token)}.get(id)
    if id in world.broken:
        return None
    if error_codes(answer) and not world.broken and world.server.profile.reads == "whole":
        return f"errors {answer['errors']}"
    if shown is None or expected is None:
        return None if shown is expected or answer.get("errors") else f"{id} shown as {shown}"
    return wrong_elements(shown, expected) or wrong_members(shown, expected)


async def all_forwards(world: World) -> str | None:
    """Page from the start to the end."""
    return await _walk(world, forwards=True, wanted={})


async def all_backwards(world: World) -> str | None:
    """Page from the end to the start."""
    return await _walk(world, forwards=False, wanted={})


async def filtered(world: World) -> str | None:
    """Page through what fits a filter."""
    return await _walk(world, forwards=world.rng.random() < 0.5, wanted=_random_filter(world.rng))


def _random_filter(rng: Random) -> dict[str, Any]:
    wanted: dict[str, Any] = rng.choice(
        (
            {"type": "PERSON"},
            {"type": "PRACTITIONER"},
            {"patient": rng.choice(PEOPLE)},
            {"practitioner": rng.choice(STAFF)},
            {"patient": rng.choice(PEOPLE), "type": "PERSON"},
        )
    )
    return wanted


def fits(group: Elements, wanted: Mapping[str, Any]) -> bool:
    """Return whether a group fits a filter."""
    if "type" in wanted and group["type"] != wanted["type"].lower():
        return False
    references = {unversioned(reference) for reference in references_of(group)}
    names = {"patient": "Patient", "practitioner": "Practitioner"}
    return all(
        f"{kind}/{wanted[name]}" in references for name, kind in names.items() if name in wanted
    )


async def _walk(world: World, *, forwards: bool, wanted: dict[str, Any]) -> str | None:
    token, size = world.rng.choice(TOKENS), world.rng.choice((1, 2, 3, 5, 20, 100))
    expected = [group for group in world.visible(token) if fits(group, wanted)]
    by_id = {group["id"]: group for group in world.visible(token)}
    found: list[str] = []
    cursor, told = None, False
    for _ in range(_MOST_PAGES):
        page = {"first": size, "after": cursor} if forwards else {"last": size, "before": cursor}
        answer = await world.ask(LIST, token=token, filter=wanted, **page)
        connection = (answer["data"] or {}).get("groups")
        if connection is None:
            return wrong_failure(world, answer)
        told = told or "errors" in answer
        nodes = [edge["node"] for edge in connection["edges"] if edge and edge["node"]]
        for node in nodes:
            what = wrong_elements(node, by_id[node["id"]]) or wrong_members(node, by_id[node["id"]])
            if node["id"] not in world.broken and what is not None:
                return f"{node['id']}: {what}"
        ids = [node["id"] for node in nodes]
        found = [*found, *ids] if forwards else [*ids, *found]
        info = connection["pageInfo"]
        cursor = info["endCursor" if forwards else "startCursor"]
        if not info["hasNextPage" if forwards else "hasPreviousPage"] or cursor is None:
            break
    else:
        return "the pages do not end"
    unclear = world.broken if wanted else frozenset()
    expected = [group for group in expected if group["id"] not in unclear or group["id"] in found]
    missing = [group["id"] for group in expected if group["id"] not in found]
    if missing and not told:
        return f"missing {missing}, in silence: {found}"
    if missing and world.server.profile.noise == "empty":
        return None  # an entry with nothing in it may be one of them: it was told
    return wrong_list(found, [group["id"] for group in expected], world.broken)


_BOUNDED = {"UPSTREAM_SEARCH_UNSUPPORTED", "TOO_MANY_UPSTREAM_CALLS"}


def wrong_failure(world: World, answer: Answer) -> str | None:
    """Check an error of a list: allowed where the list exceeds a bound, or is not FHIR."""
    profile = world.server.profile
    if world.broken or "circles" in profile.last_page or profile.reads != "whole":
        return None
    unlinked = profile.self_link == "none" and not profile.has_ends
    if unlinked and profile.paging != "numbers" and "form a loop" in str(answer["errors"]):
        return None  # a full page without any link, and the same one whatever number is asked for
    small = profile.largest_page < 5 or profile.short_pages or profile.search_results != "whole"
    if small and error_codes(answer) <= _BOUNDED:
        return None
    return f"errors {answer['errors']}"


async def total(world: World) -> str | None:
    """Ask how many there are: the true number, or none."""
    wanted = {} if world.rng.random() < 0.5 else _random_filter(world.rng)
    token = world.rng.choice(TOKENS)
    answer = await world.ask(TOTAL, token=token, filter=wanted)
    connection = (answer["data"] or {}).get("groups")
    if connection is None:
        return wrong_failure(world, answer)
    expected = [group["id"] for group in world.visible(token) if fits(group, wanted)]
    sound = len([id for id in expected if id not in world.broken])
    shown = connection["totalCount"]
    right = shown is None or sound <= shown <= len(expected)
    return None if right else f"total {shown} for {len(expected)}"


Operation = Callable[[World], Awaitable[str | None]]
READS: dict[str, Operation] = {
    "read": read,
    "read several": read_several,
    "forwards": all_forwards,
    "backwards": all_backwards,
    "filtered": filtered,
    "total": total,
}


def other_writer(world: World, id: str) -> Callable[[], None]:
    """Return what another writer does to a group: one change that no mutation here makes."""

    def write() -> None:
        elements = deepcopy(world.server.records[id].elements)
        elements["language"] = "fr" if elements.get("language") != "fr" else "de"
        world.server.change(id, elements)

    return write
