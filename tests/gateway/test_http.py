"""GraphQL over HTTP: methods, media types, statuses, and bodies that are none."""

import gzip
import json
import sys
from typing import Any

import httpx
import pytest

from frontdoor import Gateway
from group_gateway.sandbox.wellknown import TEST_GROUP_ID

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
BEARER = {"authorization": "Bearer sandbox"}
READ = f'{{ group(id: "{TEST_GROUP_ID}") {{ id }} }}'
CREATE = 'mutation { createGroup(input: {type: PERSON, name: "x"}) { group { id } } }'
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


async def post(gateway: Gateway, content: bytes | str, **headers: str) -> httpx.Response:
    """Send a body, by default as JSON."""
    known = {"content-type": JSON, **{k.replace("_", "-"): v for k, v in headers.items()}}
    return await gateway.http.post("/graphql", content=content, headers=known)


def code_of(response: httpx.Response) -> str:
    """Return the code of the one error of a refusal, which bears the answer's own name."""
    [error] = response.json()["errors"]
    assert error["extensions"]["correlationId"] == response.headers["x-correlation-id"]
    return str(error["extensions"]["code"])


def type_of(response: httpx.Response) -> str:
    """Return the media type, having checked that the body is UTF-8 and says so."""
    media_type, charset = response.headers["content-type"].split("; ")
    assert charset == "charset=utf-8"
    assert response.content.decode("utf-8")
    return str(media_type)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        ("Application/JSON", JSON),
        (f"{JSON}; charset=utf-8", JSON),
        (RESPONSE, RESPONSE),
        (f"{RESPONSE}; charset=utf-8, {JSON}; charset=utf-8", RESPONSE),
        (f"{RESPONSE}, {JSON};q=0.9", RESPONSE),
        (f"{JSON};q=0.9, {RESPONSE}", RESPONSE),
        (f"{JSON};q=0.9, {RESPONSE};q=0.8", JSON),
        (f"{RESPONSE};q=0.1, */*;q=0.5", JSON),
        (f"*/*, {JSON};q=0", RESPONSE),
        (f"*/*;q=0.1, application/*;q=0, {RESPONSE}", RESPONSE),
        (f"{JSON};q=0.1, {RESPONSE};q=0.5, {JSON}", JSON),
        ("text/html, */*;q=0.1", JSON),
        (f"text/plain, nonsense, ;;, {RESPONSE}", RESPONSE),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", JSON),
        ("text/html, image/gif, *; q=.2", JSON),
        (f"{JSON};q=.33333, {RESPONSE};q=.5", RESPONSE),
        (f"{JSON};q=1., {RESPONSE};q=.9999", JSON),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_client_chooses_the_media_type(
    gateway: Gateway, method: str, accept: str | None, expected: str
) -> None:
    """Qualities decide, then the order; the most specific range counts (RFC 9110, 12.5.1)."""
    headers = {} if accept is None else {"accept": accept}
    del gateway.http.headers["accept"]
    parts: Any = (
        {"json": {"query": "{ __typename }"}}
        if method == "POST"
        else {"params": {"query": "{ __typename }"}}
    )
    response = await gateway.http.request(method, "/graphql", headers=headers, **parts)
    assert (response.status_code, type_of(response)) == (200, expected)
    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "accept",
    ["text/plain", "text/*", f"{JSON};q=0, {RESPONSE};q=0", "*/*, application/*;q=0", "x"],
)
async def test_a_client_that_takes_no_json(gateway: Gateway, accept: str) -> None:
    """A client that accepts neither format gets a 406."""
    response = await post(gateway, json.dumps({"query": "{ __typename }"}), accept=accept)
    assert (response.status_code, code_of(response)) == (406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize("filler", [",", "a/b,", ";", "a/b;c=d,"])
async def test_an_accept_header_without_end(gateway: Gateway, filler: str) -> None:
    """Its beginning is read, and decides."""
    accept = f"{JSON}, {60_000 * filler} {RESPONSE}"
    response = await post(gateway, json.dumps({"query": "{ __typename }"}), accept=accept)
    assert (response.status_code, type_of(response)) == (200, JSON)
    refused = await post(gateway, json.dumps({"query": "{ __typename }"}), accept=accept[18:])
    assert refused.status_code == 406


async def test_an_accept_header_in_pieces(gateway: Gateway) -> None:
    """A header that is sent twice counts as one list (RFC 9110, section 5.3), in any order."""
    del gateway.http.headers["accept"]
    pieces = [("accept", RESPONSE), ("accept", "text/html;q=0.5")]
    for headers in (pieces, pieces[::-1]):
        parts: dict[str, Any] = {"headers": [*headers, ("content-type", JSON)]}
        for response in (
            await gateway.http.post("/graphql", content='{"query":"{ __typename }"}', **parts),
            await gateway.http.get("/graphql", params={"query": "{ __typename }"}, **parts),
        ):
            assert (response.status_code, type_of(response)) == (200, RESPONSE)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (JSON, 200),
        ("APPLICATION/JSON", 200),
        (f"{JSON};charset=utf-8", 200),
        (f'{JSON}; charset="UTF-8"', 200),
        (f"{JSON}; charset=utf8; x=y", 200),
        (f"{JSON}; charset=US-ASCII", 200),
        (f"{JSON}; charset=utf-16", 415),
        (f"{JSON}; charset=iso-8859-1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/graphql", 415),
        ("application/jsonp", 415),
        ("", 415),
    ],
)
async def test_a_post_is_json(gateway: Gateway, content_type: str, status: int) -> None:
    """A POST is JSON in UTF-8: nothing that a form on another site's page could send."""
    body = json.dumps({"query": "{ __typename }"})
    response = await post(gateway, body, content_type=content_type)
    assert response.status_code == status
    if status == 200:
        assert response.json() == {"data": {"__typename": "Query"}}
    else:
        assert code_of(response) == "UNSUPPORTED_MEDIA_TYPE"


async def test_a_post_without_a_content_type(gateway: Gateway) -> None:
    """A body that says nothing of itself is not guessed at."""
    response = await gateway.http.post("/graphql", content=b'{"query":"{ __typename }"}')
    assert response.status_code == 415


@pytest.mark.parametrize("coding", ["", "gzip"])
async def test_a_body_with_a_byte_order_mark(gateway: Gateway, coding: str) -> None:
    """The mark with which some programs begin a file is passed over (RFC 8259, section 8.1)."""
    body = b"\xef\xbb\xbf" + json.dumps({"query": "{ __typename }"}).encode()
    headers = {"content-type": JSON, "content-encoding": coding}
    content = gzip.compress(body) if coding else body
    response = await gateway.http.post("/graphql", content=content, headers=headers)
    assert response.json() == {"data": {"__typename": "Query"}}
    array = await post(gateway, body.replace(b"{", b"[{", 1) + b"]")
    assert code_of(array) == "BATCHING_DISABLED"


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{ __typename }",
    "cut off": b'{"query":',
    "a list": b'[{"query":"{ __typename }"}]',
    "a string": b'"{ __typename }"',
    "null": b"null",
    "not UTF-8": b'{"query":"{ __typename } # \xff"}',
    "UTF-16": json.dumps({"query": "{ __typename }"}).encode("utf-16"),
    "half a surrogate": b'{"query":"{ __typename } # \\ud800"}',
    "NaN": b'{"query":"{ __typename }","variables":{"a":NaN}}',
    "a number without end": b'{"query":"{ __typename }","variables":{"a":1e999}}',
    "nesting without end": b'{"query":"{ __typename }","variables":{"a":%s1%s}}'
    % (b"[" * 100_000, b"]" * 100_000),
    "no query": b"{}",
    "a misspelt query": b'{"qeury":"{ __typename }"}',
    "an empty query": b'{"query":""}',
    "a query that is null": b'{"query":null}',
    "a query that is none": b'{"query":{"a":1}}',
    "an operation name that is none": b'{"query":"{ __typename }","operationName":5}',
    "variables that are none": b'{"query":"{ __typename }","variables":[1]}',
    "extensions that are none": b'{"query":"{ __typename }","extensions":"x"}',
}

CODES = {"a list": "BATCHING_DISABLED", "nesting without end": "BODY_TOO_DEEP"}


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
@pytest.mark.parametrize("body", BODIES)
async def test_a_body_that_is_no_request(gateway: Gateway, body: str, accept: str) -> None:
    """What is no GraphQL request is a 400 with an error and no data, whatever the media type."""
    response = await post(gateway, BODIES[body], accept=accept)
    assert (response.status_code, type_of(response)) == (400, accept)
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == CODES.get(body, "BAD_REQUEST")
    assert error["extensions"]["correlationId"] == response.headers["x-correlation-id"]
    assert response.json().keys() == {"errors"}


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large(make_gateway: Any, *, chunked: bool) -> None:
    """A body beyond the limit is a 413, whether it says its length or comes in chunks."""
    gateway = await make_gateway(body_bytes=1000)

    async def pieces() -> Any:
        for _ in range(100):
            yield b" " * 100

    content: Any = pieces() if chunked else b" " * 10_000
    response = await gateway.http.post("/graphql", content=content, headers={"content-type": JSON})
    assert (response.status_code, code_of(response)) == (413, "BODY_TOO_LARGE")
    fits = json.dumps({"query": "{ __typename }"}).ljust(1000).encode()
    assert (await post(gateway, fits)).status_code == 200
    assert (await post(gateway, fits + b" ")).status_code == 413


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{", {}),
        ("{ unknown }", {}),
        ("query ($id: ID!) { group(id: $id) { id } }", {}),
        ("query ($id: ID!) { group(id: $id) { id } }", {"id": []}),
        ("query a { __typename } query b { __typename }", {}),
    ],
)
async def test_statuses_of_requests_that_are_not_run(
    gateway: Gateway, query: str, variables: Any
) -> None:
    """What fails before it runs has no data and is a 400, but a 200 for clients of old."""
    body = json.dumps({"query": query, "variables": variables})
    for accept, status in ((RESPONSE, 400), (JSON, 200)):
        response = await post(gateway, body, accept=accept)
        assert (response.status_code, type_of(response)) == (status, accept)
        assert response.json().keys() == {"errors"}


async def test_statuses_of_requests_that_are_run(gateway: Gateway) -> None:
    """What was run is a 200 with data, whatever failed on the way."""
    for accept in (RESPONSE, JSON):
        response = await post(gateway, json.dumps({"query": READ}), accept=accept)
        assert response.status_code == 200
        assert response.json()["data"] == {"group": None}
        assert response.json()["errors"]


async def test_a_get_asks_by_parameters(gateway: Gateway) -> None:
    """A GET has query, operation name and variables in the address; empty ones count as none."""
    query = "query a { __typename } query b($id: ID!) { group(id: $id) { id } }"
    variables = json.dumps({"id": TEST_GROUP_ID})
    params = {"query": query, "operationName": "b", "variables": variables, "extensions": ""}
    response = await gateway.http.get("/graphql", params=params, headers=BEARER)
    assert response.json() == {"data": {"group": {"id": TEST_GROUP_ID}}}
    params = {"query": READ, "operationName": "", "variables": "", "extensions": "{}"}
    response = await gateway.http.get("/graphql", params=params, headers=BEARER)
    assert response.json() == {"data": {"group": {"id": TEST_GROUP_ID}}}


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"query": ""},
        {"query": "{ __typename }", "variables": "["},
        {"query": "{ __typename }", "variables": "[1]"},
        {"query": "{ __typename }", "extensions": "5"},
    ],
)
async def test_a_get_that_is_no_request(gateway: Gateway, params: dict[str, str]) -> None:
    """A GET without a query, or with parameters that are no JSON object, is a 400."""
    response = await gateway.http.get("/graphql", params=params)
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="it decodes what a URL has room for")
@pytest.mark.parametrize("name", ["variables", "extensions"])
async def test_a_get_with_deep_parameters(gateway: Gateway, name: str) -> None:
    """JSON in the URL that is nested too deeply is told as such."""
    deep = '{"a": ' + 1_100 * "[" + 1_100 * "]" + "}"
    params = {"query": "{ __typename }", name: deep}
    response = await gateway.http.get("/graphql", params=params)
    assert (response.status_code, code_of(response)) == (400, "BODY_TOO_DEEP")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_get_never_writes(gateway: Gateway, sandbox: Any, method: str) -> None:
    """A mutation by GET is refused before it runs, also under a name beside a query."""
    both = f"query a {{ __typename }} {CREATE.replace('mutation', 'mutation b')}"
    for params in ({"query": CREATE}, {"query": both, "operationName": "b"}):
        response = await gateway.http.request(method, "/graphql", params=params, headers=BEARER)
        assert response.status_code == 405
        assert response.headers["allow"] == "POST"
        assert method == "HEAD" or code_of(response) == "METHOD_NOT_ALLOWED"
    assert sandbox.calls == []
    params = {"query": both, "operationName": "a"}
    assert (await gateway.http.get("/graphql", params=params)).status_code == 200


@pytest.mark.parametrize("graphiql", [True, False])
@pytest.mark.parametrize(
    ("path", "allow"), [("/", "GET, HEAD, OPTIONS"), ("/graphql", "GET, HEAD, POST, OPTIONS")]
)
async def test_options(make_gateway: Any, path: str, allow: str, *, graphiql: bool) -> None:
    """OPTIONS succeeds, as proxies check by it, and names the methods of the path."""
    gateway = await make_gateway(graphiql=graphiql)
    response = await gateway.http.options(path)
    assert (response.status_code, response.headers["allow"]) == (204, allow)
    assert (response.content, "content-type" in response.headers) == (b"", False)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_options_of_a_probe(gateway: Gateway, path: str) -> None:
    """A check that asks for readiness by the wrong method fails, whether it is ready or not."""
    assert (await gateway.http.options(path)).status_code == 405


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
async def test_other_methods(gateway: Gateway, method: str) -> None:
    """Other methods than GET, HEAD and POST get 405 and `Allow`."""
    response = await gateway.http.request(method, "/graphql")
    assert (response.status_code, code_of(response)) == (405, "METHOD_NOT_ALLOWED")
    assert {"GET", "POST"} <= set(response.headers["allow"].split(", "))


@pytest.mark.parametrize(
    ("accept", "params", "html"),
    [
        (BROWSER, {}, True),
        ("text/html", {}, True),
        (f"text/html, {JSON}", {}, True),
        (f"{JSON}, text/html", {}, False),
        (f"text/html;q=0.5, {JSON}", {}, False),
        ("text/html;q=0, */*", {}, False),
        ("*/*", {}, False),
        (BROWSER, {"query": "{ __typename }"}, False),
    ],
)
async def test_a_browser_gets_a_page(
    gateway: Gateway, accept: str, params: dict[str, str], *, html: bool
) -> None:
    """GraphiQL is for clients that prefer HTML, and not for a query."""
    response = await gateway.http.get("/graphql", params=params, headers={"accept": accept})
    assert (response.headers["content-type"].split(";")[0] == "text/html") is html
    assert "Accept" in response.headers["vary"]


async def test_without_a_page_a_browser_gets_an_error(make_gateway: Any) -> None:
    """With GraphiQL switched off a visit is a request without a query."""
    gateway = await make_gateway(graphiql=False)
    response = await gateway.http.get("/graphql", headers={"accept": BROWSER})
    assert (response.status_code, type_of(response)) == (400, JSON)


async def test_answers_are_nobody_elses(gateway: Gateway) -> None:
    """No cache on the way may keep an answer, or give it to another caller."""
    response = await post(gateway, json.dumps({"query": READ}), authorization="Bearer sandbox")
    assert response.headers["cache-control"] == "no-store"
    assert {"Accept", "Authorization"} <= set(response.headers["vary"].split(", "))
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-length"] == str(len(response.content))


async def test_unknown_parts_of_a_request_are_ignored(gateway: Gateway) -> None:
    """Unknown parameters are ignored (GraphQL over HTTP, JSON encoding)."""
    body = {"query": "{ __typename }", "onError": "NULL", "extensions": {"x": 1}, "variables": None}
    response = await post(gateway, json.dumps(body | {"operationName": None}))
    assert response.json() == {"data": {"__typename": "Query"}}


async def test_answers_are_encoded_as_they_are(gateway: Gateway) -> None:
    """Names in any script come through whole, in the data and in errors about the query."""
    create = """mutation ($n: String!) { createGroup(input: {type: PERSON, name: $n}) {
        group { name } } }"""
    name = 'Gruppe ä é 漢字 𝄞 " \\ </script> \x7f'
    data = await gateway.data(create, n=name)
    assert data["createGroup"]["group"]["name"] == name
    answer = await gateway("{ ä漢𝄞 }")
    assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"


@pytest.mark.parametrize("path", ["/graphql/", "/livez/", "/metrics/", "//graphql"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nobody_is_sent_elsewhere(gateway: Gateway, method: str, path: str) -> None:
    """A path that there is not leads nowhere: a redirect would carry the token along, by http."""
    headers = {"host": "elsewhere.test", "authorization": "Bearer sandbox"}
    url = gateway.http.base_url.copy_with(raw_path=path.encode())  # joined, // began a host
    response = await gateway.http.request(method, url, headers=headers)
    assert response.status_code == 404
    assert "location" not in response.headers
    [error] = response.json()["errors"]
    assert error["message"] == "There is nothing at this path. GraphQL is at /graphql."
    assert error["extensions"]["correlationId"] == response.headers["x-correlation-id"]


async def test_without_a_page_nothing_is_at_the_root(make_gateway: Any) -> None:
    """Without GraphiQL the root path is a 404."""
    gateway = await make_gateway(graphiql=False)
    assert (await gateway.http.get("/")).status_code == 404
