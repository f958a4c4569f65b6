"""Many callers, reads and writes, and all faults at once: nothing is doubled, lost or leaked."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from chaos.faults import FAULTS, Fault, answers, hang, reset_after
from chaos.proxy import Exchange
from chaos.running import ROOM, Chaos
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = 25.0
WORKERS = 8
PAUSE = 0.02
SHARE = 0.3
CODES = {
    "UPSTREAM_UNAVAILABLE",
    "UPSTREAM_TIMEOUT",
    "UPSTREAM_INVALID_RESPONSE",
    "RATE_LIMITED",
    "OVERLOADED",
}
READS = (
    "query ($n: ID!) { group(id: $n) { id } }",
    f'{{ group(id: "{TEST_GROUP_ID}") {{ name member {{ entity {{ reference }} }} }} }}',
    "{ groups(first: 3) { nodes { id } totalCount } }",
)
CREATE = """mutation ($name: String!) {
    createGroup(input: {type: PERSON, name: $name}) { group { id } issues { severity } } }"""
ADD = f"""mutation ($reference: String!) {{
    addGroupMembers(input: {{
        groupId: "{TEST_GROUP_ID}", members: [{{reference: $reference}}]
    }}) {{ group {{ id }} issues {{ severity }} }} }}"""
NOT_MADE = ("The group was not created.", "The change was not made.", "this one was not made.")


@dataclass
class Ledger:
    """The outcomes of writes as their callers know them: made, not made, or unknown."""

    told: dict[str, str] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)

    def note(self, name: str, answer: Any) -> None:
        """Record the outcome that the response to a write states."""
        if "errors" in answer:
            [error] = answer["errors"]
            assert error["extensions"]["code"] in CODES, answer
            self.told[name] = "not made" if error["message"].endswith(NOT_MADE) else "perhaps"
        else:
            [payload] = answer["data"].values()
            severities = {issue["severity"] for issue in payload["issues"]}
            self.told[name] = (
                "not made"
                if "ERROR" in severities
                else "perhaps"
                if "WARNING" in severities
                else "made"
            )
        self.outcomes[self.told[name]] += 1

    def check(self, stored: list[str]) -> None:
        """Compare with what is there: nothing twice, nothing missing, nothing uncalled for."""
        times = Counter(stored)
        for name, told in self.told.items():
            allowed = {"made": {1}, "not made": {0}, "perhaps": {0, 1}}[told]
            assert times[name] in allowed, (name, told, times[name])


def mixture(chance: random.Random) -> Any:
    """Choose a fault for some of the requests; for writes also what takes effect unheard."""
    of_reads: list[Fault] = [fault for name, (fault, _) in FAULTS.items() if "200 MB" not in name]
    of_writes: list[Fault] = [*of_reads, *[reset_after] * 10]

    def choose(exchange: Exchange) -> Fault | None:
        if chance.random() > SHARE:
            return None
        return chance.choice(of_reads if exchange.method == "GET" else of_writes)

    return choose


def seeded(number: int) -> random.Random:
    """Return a source of chance that can be had again."""
    return random.Random(number)  # noqa: S311 - no secret


async def work(chaos: Chaos, chance: random.Random, worker: int, ledger: Ledger) -> None:
    """Read and write until the time is up."""
    end, number = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        number += 1
        name = f"{worker:04}{number:06}"
        kind = chance.random()
        if kind < 0.15:
            ledger.note(f"group {name}", await chaos.ask(CREATE, name=f"group {name}"))
        elif kind < 0.25:
            reference = f"Patient/{name}"
            ledger.note(reference, await chaos.ask(ADD, reference=reference))
        else:
            answer = await chaos.ask(chance.choice(READS), n=f"absent-{name}")
            codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
            assert codes <= CODES, answer
            ledger.outcomes["read fails" if codes else "read"] += 1
        await asyncio.sleep(PAUSE)


async def stored(chaos: Chaos) -> list[str]:
    """Return the names of all groups, and the references of the members of one, at the upstream."""
    names: list[str] = []
    while True:
        query = f"/Group?_count=100&_offset={len(names)}"
        page = (await chaos.upstream.get(query)).json().get("entry", [])
        names += [entry["resource"]["name"] for entry in page]
        if not page:
            break
    group = (await chaos.upstream.get(f"/Group/{TEST_GROUP_ID}")).json()
    return names + [member["entity"]["reference"] for member in group["member"]]


async def healthy(chaos: Chaos) -> None:
    """Wait until reads, searches and a write work, as they must when the breakers have closed."""
    async with asyncio.timeout(60):
        for query in READS:
            while "errors" in await chaos.ask(query, n="absent"):  # noqa: ASYNC110
                await asyncio.sleep(PAUSE)
        while "errors" in await chaos.ask(CREATE, name="afterwards"):  # noqa: ASYNC110
            await asyncio.sleep(PAUSE)


async def test_all_at_once(chaos: Chaos) -> None:
    """Under a mixture of faults every write is made once, not at all, or said to be uncertain."""
    await healthy(chaos)
    chaos.forget_peak()
    resident, files = chaos.resident(), chaos.open_files()
    ledger = Ledger()
    chaos.proxy.choose = mixture(seeded(7))
    workers = [work(chaos, seeded(seed), seed, ledger) for seed in range(WORKERS)]
    await asyncio.gather(*workers)
    chaos.all_meet(None)
    await healthy(chaos)
    assert chaos.peak() < resident + ROOM
    await until(lambda: chaos.open_files() <= files + WORKERS)
    ledger.check(await stored(chaos))
    assert set(ledger.outcomes) == {"read", "read fails", "made", "not made", "perhaps"}
    print(dict(ledger.outcomes))  # noqa: T201 - shown with -s: what the run was worth


async def test_an_outage_under_load(chaos: Chaos) -> None:
    """While the upstream hangs or fails it is left alone, and works again soon after."""
    for fault in (answers(500), hang):
        await healthy(chaos)
        chaos.all_meet(fault)
        asked = len(chaos.proxy.requests)
        queries = [f'{{ group(id: "outage-{number}") {{ id }} }}' for number in range(60)]
        for batch in range(0, len(queries), 12):
            answers_ = await asyncio.gather(*map(chaos.ask, queries[batch : batch + 12]))
            assert all(answer["errors"] for answer in answers_)
        assert len(chaos.proxy.requests) - asked < len(queries)
        chaos.all_meet(None)
        await healthy(chaos)
