"""Compressed answers: which coding a client gets, and that it decodes to the same answer."""

import asyncio
import gzip
import json
from typing import Any

import brotli
import httpx
import pytest

from frontdoor import Gateway
from group_gateway.http.compression import LEAST_BYTES, zstd
from group_gateway.sandbox.wellknown import LARGE_GROUP_ID

BEARER = {"authorization": "Bearer sandbox"}
LARGE = {"query": "{ groups(first: 50) { nodes { id name responsibilities } } }"}
HUGE = {"query": f'{{ group(id: "{LARGE_GROUP_ID}") {{ member {{ entity {{ reference }} }} }} }}'}
SMALL = {"query": "{ __typename }"}
DECODERS: dict[str | None, Any] = {
    None: bytes,
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": zstd.decompress,
}


class Raw:
    """An answer as it came."""

    def __init__(self, response: httpx.Response, body: bytes) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.coding = response.headers.get("content-encoding")
        self.body = body

    @property
    def decoded(self) -> Any:
        """What it decodes to."""
        return json.loads(DECODERS[self.coding](self.body))


async def ask(gateway: Gateway, body: Any, accept: str | None, method: str = "POST") -> Raw:
    """Send a request with this Accept-Encoding, and read the answer undecoded."""
    parts = {"json": body} if method == "POST" else {"params": body}
    headers = dict(BEARER) if accept is None else {**BEARER, "accept-encoding": accept}
    gateway.http.headers.pop("accept-encoding", None)
    async with gateway.http.stream(method, "/graphql", headers=headers, **parts) as response:
        return Raw(response, b"".join([piece async for piece in response.aiter_raw()]))


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("deflate", None),
        ("gzip, deflate, br, zstd", "gzip"),
        ("zstd, br, gzip", "gzip"),
        ("zstd, br", "br"),
        ("br;q=1.0, zstd;q=1.0, gzip;q=0.9", "br"),
        ("zstd, gzip;q=0.9, br;q=0.9", "zstd"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("gzip;q=0.5, *;q=0.1", "gzip"),
        ("gzip;q=0, *", "br"),
        ("*", "gzip"),
        ("br;q=0, gzip;q=0, zstd;q=0", None),
        ("*;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("identity;q=0, gzip", "gzip"),
        ("gzip;q=nonsense", None),
        (";;,,gzip", "gzip"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_client_chooses_the_coding(
    gateway: Gateway, accept: str | None, coding: str | None, method: str
) -> None:
    """The coding of the highest quality is taken, else what all decode (RFC 9110, 12.5.3)."""
    answers = [await ask(gateway, LARGE, accept, method) for _ in range(2)]  # one of them is ready
    for answer in answers:
        assert (answer.status, answer.coding) == (200, coding)
        assert len(answer.decoded["data"]["groups"]["nodes"]) == 50
        assert int(answer.headers["content-length"]) == len(answer.body)
        assert "Accept-Encoding" in answer.headers["vary"].split(", ")
    plain = await ask(gateway, LARGE, None, method)
    assert answers[0].decoded == plain.decoded
    assert coding is None or len(answers[0].body) < len(plain.body) / 2


async def test_small_answers(gateway: Gateway) -> None:
    """A small answer stays as it is, unless the client takes none as it is."""
    assert (await ask(gateway, SMALL, "gzip, br")).coding is None
    assert (await ask(gateway, SMALL, "gzip, identity;q=0")).coding == "gzip"
    assert (await ask(gateway, SMALL, "br, *;q=0")).coding == "br"
    assert len((await ask(gateway, SMALL, None)).body) < LEAST_BYTES


async def test_switched_off(make_gateway: Any) -> None:
    """A deployment whose proxy compresses may switch it off."""
    gateway = await make_gateway(compression=False)
    assert (await ask(gateway, LARGE, "gzip")).coding is None


async def test_an_entity_tag_for_each_coding(gateway: Gateway) -> None:
    """Each coding has its own entity tag, which revalidates that coding with a 304."""
    tags = {}
    for accept in ("identity", "gzip", "br", "zstd"):
        answer = await ask(gateway, LARGE, accept, "GET")
        tags[accept] = answer.headers["etag"]
    assert len(set(tags.values())) == 4
    for accept, tag in tags.items():
        for known in (tag, f"W/{tag}", f'"x", {tag}'):
            headers = {**BEARER, "accept-encoding": accept, "if-none-match": known}
            again = await gateway.http.get("/graphql", params=LARGE, headers=headers)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
            assert "content-encoding" not in again.headers
    headers = {**BEARER, "accept-encoding": "gzip", "if-none-match": tags["br"]}
    assert (await gateway.http.get("/graphql", params=LARGE, headers=headers)).status_code == 200


async def test_answers_that_are_ready_are_compressed_once(gateway: Gateway, sandbox: Any) -> None:
    """What is ready is ready in each coding, also where clients differ."""
    for accept in ("gzip", None, "br", "gzip", "zstd", "br"):
        assert len((await ask(gateway, LARGE, accept)).decoded["data"]["groups"]["nodes"]) == 50
    assert len(sandbox.calls) == 1
    told = (await gateway.http.get("/metrics")).text
    assert 'group_gateway_requests_total{outcome="ready"} 5.0' in told


async def test_many_clients_of_a_huge_answer(gateway: Gateway) -> None:
    """A slow compression blocks no other request, and serves all who wait for it."""
    answers = await asyncio.gather(*(ask(gateway, HUGE, "gzip") for _ in range(10)))
    answers.append(await ask(gateway, HUGE, "gzip"))
    for answer in answers:
        assert answer.coding == "gzip"
        assert len(answer.decoded["data"]["group"]["member"]) == 10_000
    assert len({answer.body for answer in answers}) == 1
