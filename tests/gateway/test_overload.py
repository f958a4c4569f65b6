"""Load shedding: operations beyond the limit get 503 with `Retry-After` at once."""

import asyncio
from typing import Any

from group_gateway.sandbox.wellknown import TEST_GROUP_ID

BEARER = {"authorization": "Bearer sandbox"}


def body(alias: str) -> dict[str, str]:
    """Return a request that is equal to no other's."""
    return {"query": f'{{ {alias}: group(id: "{TEST_GROUP_ID}") {{ name }} }}'}


async def test_what_is_too_much_is_shed(make_gateway: Any, sandbox: Any) -> None:
    """Beyond the bound it is 503, OVERLOADED and Retry-After; ready answers are still given."""
    gateway = await make_gateway(operations=2)
    sandbox.use(latency_ms=100)

    async def ask(alias: str) -> Any:
        return await gateway.http.post("/graphql", json=body(alias), headers=BEARER)

    assert (await ask("ready")).status_code == 200
    answers = await asyncio.gather(*(ask(alias) for alias in ("a", "b", "c", "d", "ready")))
    assert [answer.status_code for answer in answers].count(503) == 2
    assert answers[-1].status_code == 200
    for answer in answers:
        if answer.status_code == 503:
            [error] = answer.json()["errors"]
            assert (error["extensions"]["code"], answer.headers["retry-after"]) == (
                "OVERLOADED",
                "1",
            )
    assert (await ask("e")).status_code == 200
    assert 'outcome="shed"} 2.0' in (await gateway.http.get("/metrics")).text
