"""Ports: taken before anything starts, so that a busy one is one sentence. Used by the servers."""

import argparse
import socket


class CannotListen(OSError):
    """The address can't be listened on; the text is one sentence for the user."""


def listen(host: str, port: int) -> socket.socket:
    """Give a bound socket; port 0 takes any free one. Raises CannotListen."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CannotListen(
            f"can't listen on {host} port {port}: {reason}. Choose another with --port."
        ) from None
    sock.set_inheritable(True)
    return sock


def address_of(sock: socket.socket) -> str:
    """Give the base URL of a server on this socket."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def add_address_flags(parser: argparse.ArgumentParser) -> None:
    """Add --host and --port."""
    parser.add_argument("--host", help="address to listen on (GROUP_GATEWAY_HOST, 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (GROUP_GATEWAY_PORT, 8000)")
