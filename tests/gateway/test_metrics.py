"""`/metrics`: what is counted, and that it says nothing of anybody."""

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


async def test_metrics_name_nobody(gateway: Gateway) -> None:
    """No id, token or name of anything reaches the metrics."""
    await gateway.data(QUERY)
    text = (await gateway.http.get("/metrics")).text
    assert not [
        word for word in (TEST_GROUP_ID, SEED_PATIENT_ID, TOKEN, "Test Group") if word in text
    ]
