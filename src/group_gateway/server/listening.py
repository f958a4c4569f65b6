"""Ports: taken before anything starts, so that a busy one is one sentence. Used by the servers."""

import errno
import os
import socket

from group_gateway.server.command_failure import CommandFailed

BACKLOG = 2048
_OF_THE_PORT = (errno.EADDRINUSE, errno.EACCES)


def listen(host: str, port: int, *, flag: str = "--port") -> socket.socket:
    """Give a socket that takes connections; port 0 takes any free one. Raises CommandFailed.

    `flag` is what chooses another port.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # It listens at once: two may bind while none does, and early connections wait.
        sock = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        number = error.errno or 0  # below 0 for names that can't be resolved
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        other = flag if number in _OF_THE_PORT else "--host"
        raise CommandFailed(
            f"can't listen on {host} port {port}: {reason.lower()}. Choose another with {other}."
        ) from None
    # asyncio switches Nagle's algorithm off only for sockets that know their protocol, as those of
    # create_server don't: the second part of each answer would wait 40 ms for the client's system.
    known = socket.socket(fileno=sock.detach())
    known.set_inheritable(True)
    return known


def address_of(sock: socket.socket) -> str:
    """Give the base URL of a server on this socket."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
