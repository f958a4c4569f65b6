"""Counts the packets in which responses arrive, by the kernel's own count (Linux)."""

import http.client
import json
import socket
import struct
from urllib.parse import urlsplit

_DATA_SEGMENTS_IN = 152
"""Offset of `tcpi_data_segs_in` in Linux's `struct tcp_info`."""


def fewest_packets(url: str, requests: int) -> int:
    """Return the fewest packets of a response; the kernel may send one again."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    connection.connect()
    counts = []
    for number in range(requests):
        before = _segments(connection.sock)
        query = f'{{ group(id: "none-{number}") {{ id }} }}'
        headers = {"content-type": "application/json", "authorization": "Bearer sandbox"}
        connection.request("POST", "/graphql", json.dumps({"query": query}), headers)
        assert b'"group":null' in connection.getresponse().read()
        counts.append(_segments(connection.sock) - before)
    connection.close()
    return min(counts)


def _segments(sock: socket.socket) -> int:
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _DATA_SEGMENTS_IN + 4)
    return int(struct.unpack_from("I", info, _DATA_SEGMENTS_IN)[0])
