"""Tasks that are cancelled end, also if they overlook a cancellation."""

import asyncio

from group_gateway.cache.redis.redis_leases import RedisLeases
from group_gateway.concurrency import cancel_all


async def test_a_task_that_overlooks_a_cancellation_is_cancelled_again() -> None:
    """Python 3.11's `wait_for` overlooks one that comes as it ends."""
    entered = asyncio.Event()

    async def careless() -> None:
        for _ in range(2):
            try:
                entered.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                pass
        await asyncio.Event().wait()

    task = asyncio.create_task(careless())
    await entered.wait()
    async with asyncio.timeout(30):
        await cancel_all([task])
    assert task.cancelled()


async def test_tasks_that_have_failed_are_no_trouble() -> None:
    """Neither is their exception reported later, nor is it raised."""

    async def failing() -> None:
        raise ValueError

    task = asyncio.create_task(failing())
    await asyncio.wait([task])
    await cancel_all([task])
    await cancel_all([])


async def test_a_lease_is_given_back_whose_renewal_overlooks_a_cancellation() -> None:
    """The block ends all the same."""
    renewing = asyncio.Event()

    async def evaluate(script: str, *_: object) -> int:
        if "PEXPIRE" in script and not renewing.is_set():
            renewing.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return 1
        return 1

    leases = RedisLeases(evaluate, "view")
    async with asyncio.timeout(30), leases.held("group", 1):
        await renewing.wait()
