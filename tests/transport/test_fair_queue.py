"""Slots for calls: bounded, taken in turns, and never lost."""

import asyncio
import random

import pytest

from group_gateway.upstream.transport.fair_queue import QueueFull, Slots

LONG = 30.0


async def turn() -> None:
    """Run the event loop until nothing is ready."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_than_there_are() -> None:
    """A call without a free slot waits until one is released."""
    slots = Slots(2, 10)
    await slots.acquire("a", LONG)
    await slots.acquire("a", LONG)
    third = asyncio.create_task(slots.acquire("a", LONG))
    await turn()
    assert not third.done()
    slots.release()
    await third


async def test_callers_take_turns() -> None:
    """One that has asked for much does not go before another that came later."""
    slots = Slots(1, 100)
    await slots.acquire("much", LONG)
    order: list[str] = []

    async def call(caller_key: str) -> None:
        await slots.acquire(caller_key, LONG)
        order.append(caller_key)
        slots.release()

    calls = [
        asyncio.create_task(call(caller_key)) for caller_key in ["much"] * 5 + ["little", "other"]
    ]
    await turn()
    slots.release()
    await asyncio.gather(*calls)
    assert order == ["much", "little", "other", *["much"] * 4]


async def test_a_queue_has_an_end() -> None:
    """A full queue refuses at once; one caller takes half of the places at most."""
    slots = Slots(1, 6)
    await slots.acquire("a", LONG)
    waiting = [asyncio.create_task(slots.acquire("a", LONG)) for _ in range(3)]
    await turn()
    with pytest.raises(QueueFull):
        await slots.acquire("a", LONG)
    waiting += [asyncio.create_task(slots.acquire(caller_key, LONG)) for caller_key in "bcd"]
    await turn()
    with pytest.raises(QueueFull):
        await slots.acquire("e", LONG)
    for _ in waiting:
        slots.release()
    await asyncio.gather(*waiting)


async def test_patience_ends() -> None:
    """A call that waits too long gives up, and leaves no trace in the queue."""
    slots = Slots(1, 2)
    await slots.acquire("a", LONG)
    for _ in range(5):
        with pytest.raises(TimeoutError):
            await slots.acquire("a", 0.001)
    slots.release()
    await slots.acquire("a", LONG)


@pytest.mark.parametrize("seed", range(20))
async def test_no_slot_is_ever_lost(seed: int) -> None:
    """Whoever is cancelled at whatever moment, all slots come back."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    slots = Slots(3, 40)
    held, most = 0, 0

    async def call() -> None:
        nonlocal held, most
        await slots.acquire(chance.choice("abc"), chance.choice([0.0, 0.001, LONG]))
        try:
            held += 1
            most = max(most, held)
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
        finally:
            held -= 1
            slots.release()

    for _ in range(30):
        calls = [asyncio.create_task(call()) for _ in range(20)]
        for _ in range(chance.randrange(5)):
            await asyncio.sleep(0)
        for each in chance.sample(calls, 12):
            each.cancel()
            if chance.random() < 0.5:
                await asyncio.sleep(0)
        await asyncio.gather(*calls, return_exceptions=True)
    assert most == 3
    for _ in range(3):
        await slots.acquire("last", 0)
    with pytest.raises(TimeoutError):
        await slots.acquire("last", 0)
