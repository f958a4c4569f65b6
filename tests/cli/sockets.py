"""HTTP on bare sockets, cut into pieces as a test requires."""

import socket


def receive(connection: socket.socket) -> bytes:
    """Return the next answer, head and body; what there is of it where the connection ends."""
    received = b""
    try:
        while not _is_whole(received):
            piece = connection.recv(65_536)
            if not piece:
                break
            received += piece
    except ConnectionResetError:
        pass
    return received


def _is_whole(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return bool(end) and len(body) >= int(length)
