"""Listening sockets, opened first, so that a busy port is a one-line error."""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from group_gateway.server.command_failure import CommandFailed

BACKLOG = 2048
_OF_THE_PORT = (errno.EADDRINUSE, errno.EACCES)
_ANY_IPV6 = "::"


def listen(host: str, port: int, *, flag: str = "--port") -> socket.socket:
    """Return a socket at the first address of a host; port 0 takes any free one.

    Raises CommandFailed. `flag` is the flag that chooses another port.
    """
    return listen_all(host, port, flag=flag, most=1)[0]


def listen_all(
    host: str, port: int, *, flag: str = "--port", most: int | None = None
) -> list[socket.socket]:
    """Return sockets at all addresses of a host, at one port; raise CommandFailed.

    `localhost` may be `::1` and `127.0.0.1`. The address `::` covers both families.
    """
    opened: list[socket.socket] = []
    try:
        for family, address in _resolved(host, port)[:most]:
            opened.append(_opened(family, address, port))
            port = port or opened[0].getsockname()[1]
    except OSError as error:
        for sock in opened:
            sock.close()
        number = error.errno or 0  # below 0 for names that can't be resolved
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        of_the_host = "--host" if flag == "--port" else flag.replace("_PORT", "_HOST")
        other = flag if number in _OF_THE_PORT else of_the_host
        raise CommandFailed(
            f"can't listen on {host} port {port}: {reason.lower()}. Choose another with {other}."
        ) from None
    return opened


def _resolved(host: str, port: int) -> list[tuple[int, str]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _opened(family: int, address: str, port: int) -> socket.socket:
    # It listens at once: two may bind while none does, and early connections wait.
    both = family == socket.AF_INET6 and address == _ANY_IPV6 and socket.has_dualstack_ipv6()
    sock = socket.create_server(
        (address, port), family=family, backlog=BACKLOG, dualstack_ipv6=both
    )
    # asyncio switches Nagle's algorithm off only for sockets that know their protocol, as those of
    # create_server don't: the second part of each answer would wait 40 ms for the client's system.
    known = socket.socket(fileno=sock.detach())
    known.set_inheritable(True)
    return known


@contextlib.contextmanager
def unix_socket(path: Path, mode: int) -> Iterator[socket.socket]:
    """Listen on a Unix socket with these permissions within the block; raise CommandFailed.

    A stale socket is replaced. In the end the file is removed, unless another process has replaced
    it.
    """
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)  # nobody else may connect before the permissions are set
    try:
        sock.bind(str(path))
        path.chmod(mode)
    except OSError as error:
        sock.close()
        reason = error.strerror or str(error)
        raise CommandFailed(f"can't listen on the Unix socket {path}: {reason.lower()}.") from None
    finally:
        os.umask(before)
    sock.listen(BACKLOG)
    sock.set_inheritable(True)
    own = path.stat().st_ino
    try:
        with sock:
            yield sock
    finally:
        with contextlib.suppress(OSError):
            if path.stat().st_ino == own:
                path.unlink()


def _remove_stale(path: Path) -> None:
    """Remove a socket without a listener; raise CommandFailed for any other file."""
    try:
        kind = path.lstat().st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(kind):
        raise CommandFailed(f"can't listen on the Unix socket {path}: that is another file.")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        except OSError:  # binding it says what is wrong
            return
        else:
            raise CommandFailed(f"can't listen on the Unix socket {path}: another process does.")


def address_of(sock: socket.socket) -> str:
    """Return the base URL of a server on this socket."""
    if sock.family == socket.AF_UNIX:
        return f"unix:{sock.getsockname()}:"
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
