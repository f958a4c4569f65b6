"""Ports: taken before anything starts, so that a busy one is one sentence. Used by the servers."""

import socket

from group_gateway.cli.failures import CommandFailed


def listen(host: str, port: int, *, flag: str = "--port") -> socket.socket:
    """Give a socket that takes connections; port 0 takes any free one. Raises CommandFailed.

    `flag` is what chooses another port.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        # Two may bind while none listens yet; listening now also has early connections wait.
        sock.listen(2048)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CommandFailed(
            f"can't listen on {host} port {port}: {reason}. Choose another with {flag}."
        ) from None
    sock.set_inheritable(True)
    return sock


def address_of(sock: socket.socket) -> str:
    """Give the base URL of a server on this socket."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
