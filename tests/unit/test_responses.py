"""Answers as they are kept."""

import tracemalloc

import pytest

from group_gateway.http.negotiation import JSON
from group_gateway.http.responses import new_reply
from group_gateway.operation import AuditRecord


@pytest.mark.parametrize("count", [1, 20, 1000])
def test_the_size_of_an_answer(count: int) -> None:
    """It is no less than what body and trail take, which says which groups were read."""
    tracemalloc.start()
    try:
        audit_record = AuditRecord(read={f"{number:064}" for number in range(count)})
        body = b"x" * count
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    overhead = 1_000  # of an entry, counted where it is kept
    assert taken <= new_reply(200, JSON, body, audit_record=audit_record).size + overhead
