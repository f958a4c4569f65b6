"""A mixed load on several replicas, and a judge of each answer.

Each group has one writer, which names it 1, 2, 3 and so on through replicas in turn, and adds a
member with each name. So every answer says how old it is.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from frontdoor import Gateway
from group_gateway.sandbox.wellknown import HIDDEN_TEAM_ID

READ = "query ($id: ID!) { group(id: $id) { id name } }"
LIST = """query ($ids: [ID!]) {
  groups(filter: { id: $ids }, first: 20) { nodes { id name } }
}"""
WRITE = """mutation ($id: ID!, $name: String!, $member: String!) {
  updateGroup(input: { id: $id, name: $name }) { group { name } issues { code severity } }
  addGroupMembers(input: { groupId: $id, members: [{ reference: $member }] }) {
    issues { code severity }
  }
}"""
CREATE = """mutation ($name: String!) {
  createGroup(input: { type: PERSON, name: $name }) { group { id } }
}"""
MEMBERS = "query ($id: ID!) { group(id: $id) { name member { entity { reference } } } }"
OTHER = "sandbox-other"
"""A caller who must never be shown the hidden team."""


@dataclass
class Written:
    """What became of a group: the last name that was begun, and when each was confirmed."""

    begun: int = 0
    confirmed: list[tuple[float, int, int]] = field(default_factory=list)
    """Moment, replica and name of each write that was answered."""

    def least(self, moment: float, replica: int | None, bound: float) -> int:
        """Return the oldest name that a read may show which begins at a moment at a replica."""
        return max(
            (
                name
                for at, by, name in self.confirmed
                if (at <= moment and by == replica) or at <= moment - bound
            ),
            default=0,
        )


class MixedLoad:
    """Reads and writes on groups through all replicas, judged; `bound` is in seconds.

    `sides` are the replicas. Where one address leads to any of them, `is_one` says so, and a
    read is not held to the writes of its own replica at once.
    """

    def __init__(self, sides: Sequence[Gateway], *, bound: float, is_one: bool = False) -> None:
        self.sides = sides
        self.bound = bound
        self.groups: dict[str, Written] = {}
        self.counts: Counter[str] = Counter()
        self.ages: list[float] = []
        """How long ago what a read showed had been replaced, in seconds."""
        self._is_one = is_one
        self._is_over = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, groups: int, readers: int) -> None:
        """Create groups, and begin to read and write them."""
        for number in range(groups):
            made = await self.sides[0].data(CREATE, name="0")
            self.groups[made["createGroup"]["group"]["id"]] = Written()
            self.counts["groups"] = number + 1
        self._tasks = [asyncio.create_task(self._write(id)) for id in self.groups]
        self._tasks += [asyncio.create_task(self._read(Random(n))) for n in range(readers)]  # noqa: S311

    async def end(self) -> None:
        """Let what is under way end, and raise what a judge found wrong."""
        self._is_over = True
        await asyncio.gather(*self._tasks)
        await asyncio.sleep(self.bound)
        for id, written in self.groups.items():
            await self._check_nothing_lost(id, written)

    async def _write(self, id: str) -> None:
        written, side = self.groups[id], 0
        while not self._is_over:
            side = (side + 1) % len(self.sides)
            name = written.begun = written.begun + 1
            try:
                data = await self.sides[side].data(
                    WRITE, id=id, name=str(name), member=f"Patient/{name}"
                )
            except httpx.TransportError:
                self.counts["cut"] += 1
                continue
            for payload in data.values():
                bad = [i for i in payload["issues"] if i["severity"] == "ERROR"]
                assert not bad, (id, name, bad)
            replica = None if self._is_one else side
            written.confirmed.append((time.monotonic(), -1 if replica is None else side, name))
            self.counts["writes"] += 1
            await asyncio.sleep(0.02)

    async def _read(self, chance: Random) -> None:
        ids = list(self.groups)
        while not self._is_over:
            side = chance.randrange(len(self.sides))
            try:
                if chance.random() < 0.1:
                    await self._read_hidden(side)
                else:
                    await self._read_some(side, chance.sample(ids, chance.choice([1, 1, 1, 3])))
            except httpx.TransportError:
                self.counts["cut"] += 1
            await asyncio.sleep(0.002)

    async def _read_some(self, side: int, ids: Sequence[str]) -> None:
        began = time.monotonic()
        replica = None if self._is_one else side
        least = {id: self.groups[id].least(began, replica, self.bound) for id in ids}
        gateway = self.sides[side]
        if len(ids) == 1:
            found = [(await gateway.data(READ, id=ids[0]))["group"]]
        else:
            found = (await gateway.data(LIST, ids=list(ids)))["groups"]["nodes"]
        assert {group["id"] for group in found} == set(ids)
        for group in found:
            name = int(group["name"])
            assert least[group["id"]] <= name <= self.groups[group["id"]].begun, (
                side,
                group,
                least,
            )
            self._note_age(group["id"], name, began)
        self.counts["reads"] += 1

    def _note_age(self, id: str, name: int, began: float) -> None:
        later = [at for at, _, newer in self.groups[id].confirmed if newer > name and at <= began]
        self.ages.append(began - min(later) if later else 0.0)

    async def _read_hidden(self, side: int) -> None:
        answer: Any = await self.sides[side](READ, token=OTHER, id=HIDDEN_TEAM_ID)
        assert answer["data"]["group"] is None
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        self.counts["refused"] += 1

    async def _check_nothing_lost(self, id: str, written: Written) -> None:
        group = (await self.sides[0].data(MEMBERS, id=id))["group"]
        members = {member["entity"]["reference"] for member in group["member"]}
        for _, _, name in written.confirmed:
            assert f"Patient/{name}" in members, (id, name)
        assert int(group["name"]) >= max((name for *_, name in written.confirmed), default=0)
