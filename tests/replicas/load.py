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
    """Reads and writes on groups through all replicas, judged.

    `bound` is in seconds, and so is `pause`, between two reads of a reader; writers rest ten times
    as long.

    `sides` are the replicas. Where one address leads to any of them, `is_one` says so, and a
    read is not held to the writes of its own replica at once.
    """

    def __init__(
        self,
        sides: Sequence[Gateway],
        *,
        bound: float,
        pause: float = 0.002,
        is_one: bool = False,
    ) -> None:
        self.sides = sides
        self.bound = bound
        self.groups: dict[str, Written] = {}
        self.counts: Counter[str] = Counter()
        self.ages: list[float] = []
        """How long ago what a read showed had been replaced, in seconds."""
        self.excused: frozenset[str] = frozenset()
        """The codes of errors that are no fault at the moment; such answers count as `told`."""
        self.pause = pause
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
        """Wait for what is in flight, and raise what a check found wrong."""
        self._is_over = True
        await asyncio.gather(*self._tasks)
        await asyncio.sleep(self.bound)
        for id, written in self.groups.items():
            await self._check_nothing_lost(id, written)

    async def more(self, reads: int) -> None:
        """Wait for `reads` more reads; raise what a check found wrong."""
        goal = self.counts["reads"] + reads
        while self.counts["reads"] < goal:
            await asyncio.wait(self._tasks, timeout=0.05, return_when=asyncio.FIRST_EXCEPTION)
            for task in self._tasks:
                if task.done():
                    task.result()

    async def _asked(self, side: int, query: str, token: str, **variables: Any) -> Any:
        """Return a response; None if it was cut off, or is an error that is expected now."""
        try:
            answer = await self.sides[side](query, token=token, **variables)
        except httpx.TransportError:
            self.counts["cut"] += 1
            return None
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        if codes and codes <= self.excused:
            self.counts["told"] += 1
            return None
        return answer

    async def _write(self, id: str) -> None:
        written, side = self.groups[id], 0
        while not self._is_over:
            side = (side + 1) % len(self.sides)
            name = written.begun = written.begun + 1
            variables = {"id": id, "name": str(name), "member": f"Patient/{name}"}
            answer = await self._asked(side, WRITE, "sandbox", **variables)
            if answer is not None:
                assert "errors" not in answer, answer["errors"]
                for payload in answer["data"].values():
                    bad = [i for i in payload["issues"] if i["severity"] == "ERROR"]
                    assert not bad, (id, name, bad)
                by = -1 if self._is_one else side
                written.confirmed.append((time.monotonic(), by, name))
                self.counts["writes"] += 1
            await asyncio.sleep(10 * self.pause)

    async def _read(self, chance: Random) -> None:
        ids = list(self.groups)
        while not self._is_over:
            side = chance.randrange(len(self.sides))
            if chance.random() < 0.1:
                await self._read_hidden(side)
            else:
                await self._read_some(side, chance.sample(ids, chance.choice([1, 1, 1, 3])))
            await asyncio.sleep(self.pause)

    async def _read_some(self, side: int, ids: Sequence[str]) -> None:
        began = time.monotonic()
        replica = None if self._is_one else side
        least = {id: self.groups[id].least(began, replica, self.bound) for id in ids}
        if len(ids) == 1:
            answer = await self._asked(side, READ, "sandbox", id=ids[0])
        else:
            answer = await self._asked(side, LIST, "sandbox", ids=list(ids))
        if answer is None:
            return
        assert "errors" not in answer, answer["errors"]
        data = answer["data"]
        found = [data["group"]] if len(ids) == 1 else data["groups"]["nodes"]
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
        answer = await self._asked(side, READ, OTHER, id=HIDDEN_TEAM_ID)
        if answer is None:
            return
        assert answer["data"]["group"] is None
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        self.counts["refused"] += 1

    async def _check_nothing_lost(self, id: str, written: Written) -> None:
        group = (await self.sides[0].data(MEMBERS, id=id))["group"]
        members = {member["entity"]["reference"] for member in group["member"]}
        for _, _, name in written.confirmed:
            assert f"Patient/{name}" in members, (id, name)
        assert int(group["name"]) >= max((name for *_, name in written.confirmed), default=0)
