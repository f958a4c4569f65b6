"""Over TLS the transport talks only to the host that the URL names, and only if a CA vouches."""

import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from frontdoor import Gateway
from group_gateway.app import create_app
from group_gateway.config import Settings
from transport.certificates import Authority
from transport.peer import OK, Connection, peer, pipeline

Make = Callable[..., httpx.AsyncClient]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return a certificate authority that no system trusts."""
    return Authority(tmp_path)


async def test_a_server_with_a_good_certificate_is_talked_to(
    make_client: Make, authority: Authority
) -> None:
    """The CA is the one of `ca_file`, the name the URL's; the connection is kept as any other."""
    client = make_client(ca_file=str(authority.ca_file))
    async with peer(pipeline(OK), tls=authority.server("localhost")) as server:
        for _ in range(2):
            response = await client.get(f"https://localhost:{server.port}")
            assert response.content == b"ok"
        assert (server.accepted, len(server.requests)) == (1, 2)


async def test_an_address_is_verified_as_an_address(
    make_client: Make, authority: Authority
) -> None:
    """A URL with an IP address wants a certificate with that address."""
    client = make_client(ca_file=str(authority.ca_file))
    async with peer(pipeline(OK), tls=authority.server("127.0.0.1")) as server:
        assert (await client.get(f"https://127.0.0.1:{server.port}")).content == b"ok"


@pytest.mark.parametrize(("names", "days"), [(["other.test"], 1), (["localhost"], -1)])
async def test_a_wrong_or_expired_certificate_is_refused(
    make_client: Make, authority: Authority, names: list[str], days: int
) -> None:
    """It is a ConnectError, and no byte of the request was sent."""
    client = make_client(ca_file=str(authority.ca_file))
    async with peer(pipeline(OK), tls=authority.server(*names, days=days)) as server:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"https://localhost:{server.port}", headers={"authorization": "x"})
        assert server.requests == []


async def test_an_unknown_authority_is_refused(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """Without `ca_file` only the system's authorities count."""
    tls = Authority(tmp_path).server("localhost")
    async with peer(pipeline(OK), tls=tls) as server:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"https://localhost:{server.port}")
        assert server.requests == []


async def test_the_server_is_told_which_host_is_meant(
    make_client: Make, authority: Authority
) -> None:
    """Servers of several hosts choose their certificate by it (SNI, RFC 6066, section 3)."""
    told: list[str | None] = []

    def note(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
        told.append(name)

    tls = authority.server("localhost")
    tls.sni_callback = note
    client = make_client(ca_file=str(authority.ca_file))
    async with peer(pipeline(OK), tls=tls) as server:
        await client.get(f"https://localhost:{server.port}")
    assert told == ["localhost"]


async def test_plain_http_on_a_tls_port_is_a_clean_error(
    client: httpx.AsyncClient, authority: Authority
) -> None:
    """The peer closes without an answer."""
    async with peer(pipeline(OK), tls=authority.server("localhost")) as server:
        with pytest.raises(httpx.TransportError):
            await client.get(server.url)


async def test_tls_on_a_plain_port_is_a_clean_error(client: httpx.AsyncClient) -> None:
    """The handshake fails."""

    async def refuse(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with peer(refuse) as server:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"https://127.0.0.1:{server.port}")


async def test_a_caller_learns_only_that_the_upstream_is_unavailable(
    authority: Authority,
) -> None:
    """An upstream with an untrusted certificate is UPSTREAM_UNAVAILABLE."""
    async with peer(pipeline(OK), tls=authority.server("localhost")) as server:
        app = create_app(Settings(upstream_url=f"https://localhost:{server.port}"))
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app), base_url="http://gateway.test"
            ) as http,
        ):
            answer = await Gateway(http)('{ group(id: "a") { name } }')
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    assert "certificate" not in error["message"].lower()
