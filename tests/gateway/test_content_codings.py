"""Request bodies in content codings, as routers and SDKs send them."""

import gzip
import json
import zlib
from typing import Any

import brotli
import httpx
import pytest

from frontdoor import Gateway
from group_gateway.http.content_coding import zstd

BODY = json.dumps({"query": "{ __typename }"}).encode()
LIMIT = 10_000
BOMB = b" " * 50_000_000


def raw_deflate(body: bytes) -> bytes:
    """Return what some clients call deflate: without zlib's header."""
    coder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return coder.compress(body) + coder.flush()


CODERS: dict[str, Any] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}


async def post(gateway: Gateway, content: bytes, coding: str) -> httpx.Response:
    """Send a body of a coding."""
    headers = {"content-type": "application/json", "content-encoding": coding}
    return await gateway.http.post("/graphql", content=content, headers=headers)


def code_of(response: httpx.Response) -> str:
    """Return the code of the one error."""
    [error] = response.json()["errors"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize(
    ("coding", "content"),
    [
        *((name, coder(BODY)) for name, coder in CODERS.items()),
        ("GZIP", gzip.compress(BODY)),
        ("deflate", raw_deflate(BODY)),
        ("gzip", gzip.compress(BODY[:9]) + gzip.compress(BODY[9:])),
        ("zstd", zstd.compress(BODY[:9]) + zstd.compress(BODY[9:])),
        ("identity", BODY),
        ("", BODY),
        ("identity, gzip", gzip.compress(BODY)),
        ("gzip, br", brotli.compress(gzip.compress(BODY))),
        ("deflate, zstd, gzip", gzip.compress(zstd.compress(zlib.compress(BODY)))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # gzip's bytes hold the time
)
async def test_codings(gateway: Gateway, coding: str, content: bytes) -> None:
    """A body in any usual coding, or in several in their order, is what it decodes to."""
    response = await post(gateway, content, coding)
    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("coding", ["compress", "lzma, gzip", "snappy", "x\x7f<script>"])
async def test_a_coding_that_is_not_known(gateway: Gateway, coding: str) -> None:
    """An unknown coding is a 415 that names it and says which are known."""
    response = await post(gateway, BODY, coding)
    assert (response.status_code, code_of(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    named = (
        coding.split(",", maxsplit=1)[0].replace("\x7f", "?").replace("<", "?").replace(">", "?")
    )
    assert f"coding {named} is not" in response.json()["errors"][0]["message"]
    assert response.headers["accept-encoding"] == "zstd, br, gzip, deflate"


async def test_too_many_codings(gateway: Gateway) -> None:
    """Codings upon codings are refused before anything is decoded."""
    response = await post(gateway, BODY, ", ".join(["gzip"] * 4))
    assert (response.status_code, code_of(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("coding", CODERS)
async def test_bombs(make_gateway: Any, coding: str) -> None:
    """A small body that inflates beyond the limit is a 413, as a large one is."""
    gateway = await make_gateway(body_bytes=LIMIT)
    fits, beyond = BODY.ljust(LIMIT), BODY.ljust(LIMIT + 1)
    assert (await post(gateway, CODERS[coding](fits), coding)).status_code == 200
    for body in (beyond, BOMB):
        content = CODERS[coding](body)
        response = await post(gateway, content, coding)
        assert (response.status_code, code_of(response)) == (413, "BODY_TOO_LARGE")
    twice = CODERS[coding](CODERS[coding](BOMB))
    response = await post(gateway, twice, f"{coding}, {coding}")
    assert (response.status_code, code_of(response)) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("coding", CODERS)
async def test_broken_bodies(gateway: Gateway, coding: str) -> None:
    """A body that ends early, has more data, or has another coding is a 400 that says so."""
    whole = CODERS[coding](BODY * 100)
    for content in (b"", whole[:-1], whole[: len(whole) // 2], whole + b"more", BODY):
        response = await post(gateway, content, coding)
        assert (response.status_code, code_of(response)) == (400, "BAD_REQUEST"), content
        assert coding in response.json()["errors"][0]["message"]


async def test_equal_questions_in_other_codings(gateway: Gateway) -> None:
    """A ready answer is found by what a body decodes to."""
    body = json.dumps({"query": "{ groups(first: 1) { nodes { id } } }"}).encode()
    headers = {"authorization": "Bearer sandbox", "content-type": "application/json"}
    for coding, coder in {"identity": bytes, **CODERS}.items():
        response = await gateway.http.post(
            "/graphql", content=coder(body), headers={**headers, "content-encoding": coding}
        )
        assert len(response.json()["data"]["groups"]["nodes"]) == 1
    told = (await gateway.http.get("/metrics")).text
    assert 'group_gateway_requests_total{outcome="ready"} 5.0' in told
