"""`/metrics`: what is counted, and that it says nothing of anybody."""

from typing import Any

from frontdoor import Gateway
from group_gateway.sandbox.wellknown import SEED_PATIENT_ID, TEST_GROUP_ID, TOKEN

QUERY = f'{{ group(id: "{TEST_GROUP_ID}") {{ name member {{ entity {{ reference }} }} }} }}'


async def test_requests_and_upstream_calls_are_counted(gateway: Gateway) -> None:
    """A request that was answered, one that was ready, one with errors, and the calls they made."""
    await gateway.data(QUERY)
    await gateway.data(QUERY)
    await gateway("{ nonsense }")
    text = (await gateway.http.get("/metrics")).text
    assert 'group_gateway_requests_total{outcome="complete"} 1.0' in text
    assert 'group_gateway_requests_total{outcome="ready"} 1.0' in text
    assert 'group_gateway_requests_total{outcome="errors"} 1.0' in text
    assert 'group_gateway_upstream_calls_total{method="GET",outcome="2xx"} 1.0' in text


async def test_hits_and_misses_of_the_cache_are_counted(gateway: Gateway) -> None:
    """What was not there, and then what was; a ready answer asks the cache for nothing."""
    other = QUERY.replace("member", "managingEntity").replace("entity { reference }", "reference")
    for query in (QUERY, QUERY, other):
        await gateway.data(query)
    text = (await gateway.http.get("/metrics")).text
    for outcome in ("hit", "miss"):
        assert f'group_gateway_cache_lookups_total{{outcome="{outcome}"}} 1.0' in text


async def test_operations_and_upstream_calls_are_timed(gateway: Gateway, sandbox: Any) -> None:
    """Durations are in histograms; a ready response has none."""
    sandbox.use(latency_ms=300)
    await gateway.data(QUERY)
    await gateway.data(QUERY)
    text = (await gateway.http.get("/metrics")).text
    for name in (
        "operation_seconds_bucket{%s}",
        'upstream_seconds_bucket{%s,method="GET",outcome="2xx"}',
    ):
        assert f"group_gateway_{name} 0.0" % 'le="0.25"' in text
        assert f"group_gateway_{name} 1.0" % 'le="+Inf"' in text


async def test_metrics_name_nobody(gateway: Gateway) -> None:
    """No id, token or name of anything reaches the metrics."""
    await gateway.data(QUERY)
    text = (await gateway.http.get("/metrics")).text
    assert not [
        word for word in (TEST_GROUP_ID, SEED_PATIENT_ID, TOKEN, "Test Group") if word in text
    ]
