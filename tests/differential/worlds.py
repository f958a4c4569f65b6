"""Worlds: an upstream with random groups, and two gateways on it, one plain and one fast."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from differential.arguments import Pools
from differential.comparing import Side
from differential.resources import PEOPLE, GroupWriter, Taste
from differential.upstream import Manners, Upstream
from group_gateway.app import create_app
from group_gateway.config import Settings
from group_gateway.execution.compiled_plans import Planning

TOKENS = ("one", "other")
"""Two callers, who see different groups under the same ids."""
_SECONDS_ENOUGH = 86_400.0


@dataclass
class World:
    """Two gateways that must answer the same. `is_sound`: nothing upstream is broken or fails."""

    plain: Side
    fast: Side
    planning: Planning
    ids: list[str]
    failing: bool
    cached: bool
    pools: Pools = field(init=False)
    is_sound: bool = False

    def __post_init__(self) -> None:
        self.pools = Pools((*self.ids, *self.ids, *self.ids, "g0", "none"), PEOPLE)

    def renew(self, rng: Random) -> None:
        """Replace the upstream's groups."""
        taste = Taste.random(rng)
        writer = GroupWriter(rng, taste)
        for token in TOKENS:
            resources = [writer.group(id) for id in self.ids]
            for side in (self.plain, self.fast):
                side.upstream.hold(token, resources)
        self.is_sound = taste.is_sound and not self.failing


@asynccontextmanager
async def opened(rng: Random, manners: Manners | None = None, **more: Any) -> AsyncIterator[World]:
    """Make up a world and open it within the block; its upstream is any, or has these manners.

    Both gateways have `more` settings.
    """
    ids = [f"g{number}" for number in range(rng.choice((0, 1, 3, 6, 9)))]
    failing = manners is None and rng.random() < 0.2
    manners = manners or Manners.random(rng, ids, failing=failing)
    cached = rng.random() < 0.3
    with_people = Random(repr(manners)).random() < 0.5  # noqa: S311 - test data
    settings: dict[str, Any] = {
        "resolve_members": "upstream" if with_people else "stubs",
        "upstream_url": "http://upstream.test",
        "cache_ttl": _SECONDS_ENOUGH if cached else 0.0,
        "cache_search_ttl": _SECONDS_ENOUGH,
        "cache_absence_ttl": _SECONDS_ENOUGH,
        "upstream_calls": rng.choice((1, 2, 5)) if failing and rng.random() < 0.5 else 1000,
        "deadline": 600.0,
        **more,
    }
    upstreams = Upstream(manners), Upstream(manners)
    plain = create_app(Settings(**settings, compiled=False), transport=upstreams[0])
    fast = create_app(Settings(**settings), transport=upstreams[1])
    async with plain.router.lifespan_context(plain), fast.router.lifespan_context(fast):
        sides = Side(plain, upstreams[0]), Side(fast, upstreams[1])
        yield World(*sides, fast.state.engine.planning, ids, failing, cached)
