"""Many huge answers at once: those that find no room are refused, and memory stays bounded."""

import asyncio
from typing import Any

import pytest

from chaos.faults import MEGABYTE, response
from chaos.proxy import Exchange, Fault
from chaos.running import BODIES_MEGABYTES, ROOM, Chaos

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE = 7 * MEGABYTE
TEXT = b"x" * SIZE
CALLS = 40
LATE = ("UPSTREAM_TIMEOUT", "UPSTREAM_UNAVAILABLE")
"""What a slow machine makes of some: after several the breaker is open."""
TRIES = 60
"""How often it is seen whether all fit again, at least for half a minute."""
FIT = BODIES_MEGABYTES * MEGABYTE // SIZE


def huge(id: str) -> bytes:
    """Return a group of 7 MB."""
    head = b'{"resourceType":"Group","id":"%b","name":"Huge","text":{"div":"' % id.encode()
    return head + TEXT + b'"}}'


def held_back(calls: int, *, chunked: bool) -> Fault:
    """Answer each read with a huge group, the first half of it before all have asked."""
    asked = asyncio.Barrier(calls)

    async def fault(exchange: Exchange) -> None:
        body = huge(exchange.target.rpartition("/")[2])
        answer = response(body)
        if chunked:
            head = b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n"
            answer = head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        try:
            await exchange.send(answer[: SIZE // 2])
        finally:
            await asked.wait()
        await exchange.send(answer[SIZE // 2 :])

    return fault


async def read(chaos: Chaos, number: int) -> Any:
    """Read a group as a caller of its own; return its name, or the error's code."""
    body = {"query": f'{{ group(id: "huge-{number}") {{ name }} }}'}
    headers = {"authorization": f"Bearer caller-{number}"}
    answer = (await chaos.http.post("/graphql", json=body, headers=headers)).json()
    if "errors" in answer:
        return answer["errors"][0]["extensions"]["code"]
    return answer["data"]["group"]["name"]


@pytest.mark.parametrize("chunked", [False, True], ids=["with their length", "in chunks"])
async def test_more_than_there_is_room_for(chaos: Chaos, *, chunked: bool) -> None:
    """Responses within the memory budget are served, others are OVERLOADED; later all fit again."""
    await read(chaos, 0)
    chaos.forget_peak()
    resident = chaos.resident()
    for _ in range(2):
        chaos.all_meet(held_back(CALLS, chunked=chunked))
        ends = await asyncio.gather(*(read(chaos, number) for number in range(CALLS)))
        late = sum(map(ends.count, LATE))
        assert set(ends) <= {"Huge", "OVERLOADED", *LATE}
        # One that is served makes room: on a busy machine another's bytes may be read after it.
        assert ends.count("OVERLOADED") >= CALLS - 2 * FIT - late
    assert chaos.peak() < resident + ROOM
    for _ in range(TRIES):
        chaos.all_meet(held_back(FIT, chunked=chunked))
        ends = await asyncio.gather(*(read(chaos, number) for number in range(FIT)))
        assert "OVERLOADED" not in ends
        if ends == ["Huge"] * FIT:
            break
        await asyncio.sleep(0.5)  # an open breaker answers at once, until it is tried again
    chaos.all_meet(None)
    assert ends == ["Huge"] * FIT


async def test_huge_nonsense_is_held_by_nobody(chaos: Chaos) -> None:
    """An invalid response has released its memory when its error is sent."""

    async def fault(exchange: Exchange) -> None:
        await exchange.send(response(TEXT))

    chaos.all_meet(fault)
    ends = [await read(chaos, number) for number in range(3 * FIT)]
    chaos.all_meet(None)
    assert set(ends) <= {"UPSTREAM_INVALID_RESPONSE", "UPSTREAM_UNAVAILABLE"}
    assert "UPSTREAM_INVALID_RESPONSE" in ends


async def test_no_room_for_the_answer_to_a_create(chaos: Chaos) -> None:
    """A group that was created is not said to be refused: it is to be looked for."""
    full = asyncio.Barrier(FIT + 1)

    async def fault(exchange: Exchange) -> None:
        answer = response(huge(exchange.target.rpartition("/")[2]))
        if exchange.method == "POST":
            await exchange.send(answer)
            return
        await exchange.send(answer[: SIZE // 2])
        await full.wait()
        await exchange.until_hung_up()

    chaos.all_meet(fault)
    reads = [asyncio.create_task(read(chaos, number)) for number in range(FIT)]
    await full.wait()
    mutation = 'mutation { createGroup(input: {type: PERSON, name: "New"}) { group { id } } }'
    [error] = (await chaos.ask(mutation))["errors"]
    assert await asyncio.gather(*reads) == ["UPSTREAM_TIMEOUT"] * FIT
    chaos.all_meet(None)
    assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    assert error["message"].endswith("look before you create it again.")
