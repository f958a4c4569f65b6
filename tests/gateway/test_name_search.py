"""Searches by name are left to an upstream that is proven to do them as the gateway does."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest

from gateway.answering import answering, codes, ids, make_group, page, refusal
from gateway.test_group_filters import Served

MANY = 2_500
WORDS = ("Équipe", "Morning", "Night", "Ambulatory", "Renal", "Hospice", "Straße")
NAMES = [f"{WORDS[n % len(WORDS)]} Care Team {n:04}" for n in range(MANY)]
EVERY = [make_group(f"g{n:04}", name=name) for n, name in enumerate(NAMES)]
FOUND = "{ groups(first: 3, filter: { name: %s }) { totalCount nodes { id } } }"


def plain(text: str) -> str:
    """Return a text without case and accents, by rules of the server's own."""
    text = unicodedata.normalize("NFD", text.lower())
    return "".join(c for c in text if not unicodedata.combining(c))


def lower(text: str) -> str:
    """Return a text without case."""
    return text.lower()


@dataclass(frozen=True, kw_only=True)
class Names:
    """How an upstream's `name` works: what it folds, which modifiers it knows, and so on."""

    fold: Callable[[str], str] = plain
    modifiers: tuple[str, ...] = ("exact", "contains")
    refuses: bool = False
    ignores: bool = False
    by_words: bool = False
    echoes: bool = True
    most: int = MANY

    def __call__(self, target: str) -> dict[str, Any] | httpx.Response:
        """Answer a search."""
        query = dict(parse_qsl(target.partition("?")[2]))
        named = {n: v for n, v in query.items() if n.startswith("name")}
        found = EVERY[: self.most]
        for key, value in {} if self.ignores else named.items():
            modifier = key.partition(":")[2]
            if self.refuses and modifier not in {"", *self.modifiers}:
                return refusal(f"Unknown modifier {modifier}")
            known = modifier if modifier in self.modifiers else ""
            found = [group for group in found if self.finds(known, value, group["name"])]
        kept = query if self.echoes else {n: v for n, v in query.items() if n not in named}
        start, count = int(query.get("_offset", 0)), int(query["_count"])
        links = {"self": start}
        if start + count < len(found):
            links["next"] = start + count
        link = [
            {"relation": relation, "url": f"/Group?{urlencode({**kept, '_offset': offset})}"}
            for relation, offset in links.items()
        ]
        entries = [{"resource": group} for group in found[start : start + count]]
        return page(*entries, total=len(found)) | {"link": link}

    def finds(self, modifier: str, value: str, name: str) -> bool:
        """Return whether a search finds a name."""
        wanted, folded = self.fold(value), self.fold(name)
        if modifier == "exact":
            return name == value
        if modifier == "contains" and not self.by_words:
            return wanted in folded
        return folded.startswith(wanted) or (self.by_words and f" {wanted}" in folded)


def server(declares: frozenset[str] = frozenset({"name", "type"}), **ways: Any) -> Served:
    """Make an upstream whose `name` works in some way."""
    return Served(Names(**ways), {}, declares)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ('{ contains: "ORNING care" }', [f"g{n:04}" for n in range(1, MANY, len(WORDS))]),
        ('{ startsWith: "equipe" }', [f"g{n:04}" for n in range(0, MANY, len(WORDS))]),
        ('{ startsWith: "équipe" }', [f"g{n:04}" for n in range(0, MANY, len(WORDS))]),
        ('{ equals: "Renal Care Team 0011" }', ["g0011"]),
        ('{ contains: "Team 2499" }', ["g2499"]),
    ],
)
async def test_a_proven_search_is_left_to_the_upstream(wanted, expected):
    """It costs a look and a proof at first, and one call from then on, among any number."""
    upstream = server()
    async with answering(upstream) as gateway:
        groups = (await gateway.data(FOUND % wanted))["groups"]
        assert [node["id"] for node in groups["nodes"]] == expected[:3]
        assert groups["totalCount"] == len(expected)
        assert len(upstream.calls) == 3
        await gateway.data(FOUND.replace("3", "4") % wanted)
        assert len(upstream.calls) == 4
        spaced = wanted.replace('" }', ' " }')  # as it is while somebody types
        assert "errors" not in await gateway(FOUND % spaced)


IMPOSTORS = {
    "ignores modifiers": {"modifiers": ()},
    "refuses modifiers": {"modifiers": (), "refuses": True},
    "ignores the parameter": {"ignores": True},
    "counts accents": {"fold": lower},
    "counts case": {"fold": str},
    "finds the beginnings of words": {"by_words": True},
    "does not echo": {"echoes": False},
    "does not declare": {"declares": frozenset({"type"})},
}


@pytest.mark.parametrize("kind", IMPOSTORS)
async def test_what_is_not_proven_is_not_believed(kind):
    """Nothing is left out in silence: what is shown fits, and what can't be known is an error."""
    async with answering(server(**IMPOSTORS[kind])) as gateway:
        found = '{ groups(first: 2, filter: { name: { contains: "quipe" } }) { nodes { id } } }'
        assert ids(await gateway(found)) == ["g0000", "g0007"]
        answer = await gateway(FOUND % '{ contains: "Team 2499" }')
        assert codes(answer) == {"UPSTREAM_SEARCH_UNSUPPORTED"}


async def test_what_servers_fold_otherwise_is_looked_for_here():
    """`ß` is `ss` here, but not everywhere; nor is a comma, or another script, sent."""
    upstream = server()
    async with answering(upstream) as gateway:
        for text in ("STRASSE", "a,b", "Команда"):
            upstream.calls.clear()
            await gateway(FOUND % f'{{ startsWith: "{text}" }}')
            assert not any("name" in call for call in upstream.calls)
        groups = (await gateway("{ groups(first: 2, filter: { name: { startsWith: "
                                '"strasse" } }) { nodes { id } } }'))["data"]["groups"]  # fmt: skip
        assert [node["id"] for node in groups["nodes"]] == ["g0006", "g0013"]


async def test_several_at_once():
    """One of them is sent, and the others are checked here."""
    async with answering(server()) as gateway:
        wanted = '{ startsWith: "night", contains: "0009", equals: "Night Care Team 0009" }'
        groups = (await gateway.data(FOUND % wanted))["groups"]
        assert (groups["totalCount"], groups["nodes"]) == (1, [{"id": "g0009"}])


async def test_pages_of_a_proven_search():
    """Cursors lead through all that fit, none twice."""
    document = """query ($after: String) {
        groups(first: 100, after: $after, filter: { name: { contains: "mbulatory" } }) {
            nodes { id } pageInfo { hasNextPage endCursor } } }"""
    async with answering(server()) as gateway:
        found, after, more = [], None, True
        while more:
            groups = (await gateway.data(document, after=after))["groups"]
            found += [node["id"] for node in groups["nodes"]]
            more, after = groups["pageInfo"]["hasNextPage"], groups["pageInfo"]["endCursor"]
        assert found == [f"g{n:04}" for n in range(3, MANY, len(WORDS))]


async def test_half_of_a_sharp_s():
    """`as` finds `Straße` here as `strasse`, and half of `ß` is not left to the upstream."""
    upstream = server()
    async with answering(upstream) as gateway:
        for text in ("as", "ras"):
            groups = '{ groups(first: 1, filter: { name: { contains: "%s" } }) { nodes { id } } }'
            assert ids(await gateway(groups % text)) == ["g0006"]
        groups = '{ groups(first: 1, filter: { name: { startsWith: "stras" } }) { nodes { id } } }'
        assert ids(await gateway(groups)) == ["g0006"]


async def test_an_upstream_that_finds_more():
    """Surplus results are filtered in the gateway, and the upstream's count is not used."""
    upstream = server(by_words=True)
    async with answering(upstream) as gateway:
        groups = (await gateway.data(FOUND % '{ startsWith: "equipe care team 00" }'))["groups"]
        found = [f"g{n:04}" for n in range(0, 100, len(WORDS))]
        assert ([node["id"] for node in groups["nodes"]], groups["totalCount"]) == (
            found[:3],
            len(found),
        )
        upstream.calls.clear()
        answer = await gateway(FOUND % '{ startsWith: "care" }')
        assert codes(answer) == {"UPSTREAM_SEARCH_UNSUPPORTED"}
        assert any("name=care" in call for call in upstream.calls)


async def test_a_proof_leaves_the_walk_its_pages():
    """A control search that fails does not count as a page of 2,000 groups to look through."""
    upstream = server(fold=lower, most=2_000)
    async with answering(upstream) as gateway:
        groups = (await gateway.data(FOUND % '{ contains: "team 1999" }'))["groups"]
        assert (groups["totalCount"], groups["nodes"]) == (1, [{"id": "g1999"}])
        assert len(upstream.calls) == 21
