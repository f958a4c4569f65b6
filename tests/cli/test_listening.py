"""Ports are taken at once, and for oneself."""

import socket

import pytest

from group_gateway.cli.failures import CommandFailed
from group_gateway.cli.listening import address_of, listen


def test_taken_before_anything_serves() -> None:
    """A port that was given is busy for the next, although nobody serves at it yet."""
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(CommandFailed, match=f"can't listen on 127.0.0.1 port {port}: "):
            listen("127.0.0.1", port)


def test_early_connections_wait() -> None:
    """Who connects before anybody serves is not turned away."""
    with listen("127.0.0.1", 0) as sock, socket.create_connection(sock.getsockname()) as early:
        assert address_of(sock) == f"http://127.0.0.1:{early.getpeername()[1]}"
