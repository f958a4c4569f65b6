"""Callers whose tokens are passed on: found again, in bounded memory."""

import tracemalloc

from group_gateway.digests import DigestKeys
from group_gateway.identity.pass_through import PassThroughAuthenticator


def test_callers_are_told_apart_by_their_tokens() -> None:
    """However long a token is, it is one caller, with a scope that no other token has."""
    callers = PassThroughAuthenticator(DigestKeys(bytes(16)))
    tokens = ["a", "b", "a" * 5_000, "b" * 5_000]
    found = [callers.cached(f"Bearer {token}") for token in tokens]
    assert found == [callers.cached(f"Bearer {token}") for token in tokens]
    assert len({caller.scope for caller in found if caller is not None}) == 4


def test_long_tokens_take_no_memory() -> None:
    """Junk of the length of all headers, which anybody may send, leaves no trace."""
    callers = PassThroughAuthenticator(DigestKeys(bytes(16)))
    tracemalloc.start()
    try:
        for number in range(500):
            assert callers.cached(f"Bearer {number:060000}") is not None
        assert tracemalloc.get_traced_memory()[0] < 10_000_000
    finally:
        tracemalloc.stop()
