"""Servers that are no FHIR servers, or bad ones: fixed answers over real sockets."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "127.0.0.1"
Answer = Callable[[str], bytes]
"""Gives the bytes to answer a path with; none hangs until the client goes."""


def http(status: str, body: str = "", *lines: str, kind: str = "application/fhir+json") -> bytes:
    """Write an answer as HTTP/1.1 has it."""
    head = [
        f"HTTP/1.1 {status}",
        f"Date: {formatdate(usegmt=True)}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body.encode())}",
        "Connection: close",
        *lines,
    ]
    return "\r\n".join([*head, "", body]).encode()


def page(status: str) -> bytes:
    """Write an answer that is a web page."""
    return http(status, "<!doctype html><h1>No</h1>", kind="text/html; charset=utf-8")


@contextmanager
def pipeline(answer: Answer, *, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve within the block, and return the base URL."""
    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, answer, tls))
        thread.start()
        try:
            port = listener.getsockname()[1]
            yield f"http{'s' if tls else ''}://{HOST}:{port}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket, answer: Answer, tls: ssl.SSLContext | None) -> None:
    with suppress(OSError):  # shut down
        while True:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                _answer(connection, answer, tls)


def _answer(accepted: socket.socket, answer: Answer, tls: ssl.SSLContext | None) -> None:
    with tls.wrap_socket(accepted, server_side=True) if tls else accepted as connection:
        asked = connection.recv(65_536)
        while asked[:1].isalpha() and not asked.endswith(b"\r\n\r\n"):
            asked += connection.recv(65_536)
        # What begins otherwise is a TLS handshake; a web server calls that a bad request.
        path = asked.split()[1].decode() if asked[:1].isalpha() else ""
        if reply := answer(path):
            connection.sendall(reply)
        else:
            connection.recv(1)


def self_signed(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate that no one trusts; return a server's TLS and the certificate's file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "upstream.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(HOST))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    return context, cert_file
