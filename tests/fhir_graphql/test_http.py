"""HL7's interface over HTTP: addresses, methods, media types, statuses."""

import json

import pytest

BEARER = {"authorization": "Bearer t"}
GRAPHQL = "/fhir/$graphql"
NAME = {"data": {"Group": {"name": "Trial"}}}
QUERY = "{Group(id: g1){name}}"


@pytest.mark.parametrize("path", [GRAPHQL, "/fhir/%24graphql"])
async def test_get(fhir, path):
    """A GET has query, variables and operation name in the URL."""
    query = "query A($id: ID){Group(id: $id){name}} query B{Group(id: g2){name}}"
    params = {"query": query, "variables": json.dumps({"id": "g1"}), "operationName": "A"}
    response = await fhir.http.get(path, params=params, headers=BEARER)
    assert (response.status_code, response.json()) == (200, NAME)


@pytest.mark.parametrize("kind", ["application/graphql", "application/graphql; charset=utf-8"])
async def test_document_as_body(fhir, kind):
    """The body of `application/graphql` is the document."""
    headers = {**BEARER, "content-type": kind}
    response = await fhir.http.post(GRAPHQL, content=QUERY, headers=headers)
    assert (response.status_code, response.json()) == (200, NAME)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/fhir+json", "application/x-www-form-urlencoded", ""]
)
async def test_other_bodies(fhir, kind):
    """Other content types are not taken."""
    headers = {**BEARER, "content-type": kind}
    response = await fhir.http.post(GRAPHQL, content=QUERY, headers=headers)
    assert response.status_code == 415
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "UNSUPPORTED_MEDIA_TYPE"
    assert error["extensions"]["resource"]["issue"][0]["diagnostics"] == error["message"]


@pytest.mark.parametrize(
    "accept", ["application/fhir+json", "text/html", "image/png", "*/*", "application/fhir+xml"]
)
async def test_always_json(fhir, accept):
    """The answer is JSON whatever `Accept` says."""
    headers = {**BEARER, "accept": accept}
    response = await fhir.http.post(GRAPHQL, json={"query": QUERY}, headers=headers)
    assert (response.status_code, response.json()) == (200, NAME)
    assert response.headers["content-type"].startswith("application/json")


async def test_byte_order_mark(fhir):
    """The mark with which some programs begin a file is passed over."""
    body = b"\xef\xbb\xbf" + json.dumps({"query": QUERY}).encode()
    headers = {**BEARER, "content-type": "application/json"}
    response = await fhir.http.post(GRAPHQL, content=body, headers=headers)
    assert (response.status_code, response.json()) == (200, NAME)


@pytest.mark.parametrize("body", ["{", "[]", "1", '{"query": 1}', "{}", '[{"query": "{a}"}]', ""])
async def test_broken_bodies(fhir, body):
    """A body that is no request is a bad one."""
    headers = {**BEARER, "content-type": "application/json"}
    response = await fhir.http.post(GRAPHQL, content=body, headers=headers)
    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["extensions"]["resource"]["issue"][0]["severity"] == "error"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_variables_nested_too_deeply(fhir, method):
    """JSON that is nested too deeply is told as such, in the body and in the URL."""
    deep = 1_100 * "[" + 1_100 * "]"
    variables = f'{{"a": {deep}}}'
    if method == "GET":
        params = {"query": QUERY, "variables": variables}
        response = await fhir.http.get(GRAPHQL, params=params, headers=BEARER)
    else:
        body = f'{{"query": "{QUERY}", "variables": {variables}}}'
        headers = {**BEARER, "content-type": "application/json"}
        response = await fhir.http.post(GRAPHQL, content=body, headers=headers)
    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "BODY_TOO_DEEP"
    assert error["extensions"]["resource"]["issue"][0]["code"] == "too-costly"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods(fhir, method):
    """Only GET, HEAD and POST are taken."""
    response = await fhir.http.request(method, GRAPHQL, headers=BEARER)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize(
    "path", ["/fhir", "/fhir/", "/fhir/Group", "/fhir/Group/$graphql", "/fhir/Group/g1"]
)
async def test_other_addresses(fhir, path):
    """No other path exists."""
    response = await fhir.http.post(path, json={"query": "{id}"}, headers=BEARER)
    assert response.status_code == 404


async def test_without_a_token(fhir, server):
    """Reads need a token; the schema does not."""
    assert await fhir.failure(QUERY, token=None) == (401, "UNAUTHENTICATED", "login")
    path = "/fhir/Group/g1/$graphql"
    assert await fhir.failure("{id}", path=path, token=None) == (401, "UNAUTHENTICATED", "login")
    data = await fhir.data("{__schema{queryType{name}}}", token=None)
    assert data == {"__schema": {"queryType": {"name": "Query"}}}
    assert server.calls == []


async def test_variables_that_do_not_fit(fhir):
    """Variables are checked before anything is executed."""
    query = "query($on: Boolean!){Group(id: g1){id @include(if: $on)}}"
    assert await fhir.failure(query) == (400, "BAD_USER_INPUT", "invalid")
    assert await fhir.failure(query, on="yes") == (400, "BAD_USER_INPUT", "invalid")


async def test_failures_of_the_upstream(fhir, server):
    """A failing upstream is an error beside the rest, and its words are not shown."""
    server.failures["/Group/g1"] = 500
    response = await fhir.post("{Group(id: g1){name} Patient(id: p1){id}}")
    assert response.status_code == 200
    assert response.json()["data"] == {"Group": None, "Patient": {"id": "p1"}}
    assert "Failure 500" not in response.text
    failure = await fhir.failure("{id}", path="/fhir/Group/g1/$graphql")
    assert failure == (502, "UPSTREAM_UNAVAILABLE", "transient")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, (401, "UNAUTHENTICATED", "exception")),
        (403, (403, "FORBIDDEN", "exception")),
        (404, (404, "NOT_FOUND", "not-found")),
        (422, (422, "BAD_USER_INPUT", "exception")),
        (429, (429, "RATE_LIMITED", "exception")),
    ],
)
async def test_refusals_of_the_upstream(fhir, server, status, expected):
    """A 4xx of the upstream gives its own issue."""
    server.failures["/Patient/p1"] = status
    failure = await fhir.failure("{id}", path="/fhir/Patient/p1/$graphql")
    assert failure == expected


async def test_metadata_is_open(fhir):
    """The CapabilityStatement names the operation, and needs no token."""
    response = await fhir.http.get("/fhir/metadata")
    assert response.headers["content-type"].startswith("application/fhir+json")
    statement = response.json()
    assert (statement["resourceType"], statement["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
    assert statement["rest"][0]["operation"] == [
        {
            "name": "graphql",
            "definition": "http://hl7.org/fhir/OperationDefinition/Resource-graphql",
        }
    ]


async def test_switched_off(start, server):
    """Without the setting there is nothing at these addresses."""
    fhir = await start(server, fhir_graphql=False)
    assert (await fhir.http.get("/fhir/metadata")).status_code == 404
    assert (await fhir.post(QUERY)).status_code == 404


async def test_introspection_has_its_switch(start, server):
    """Where the schema may not be asked for, it may not be here either."""
    fhir = await start(server, introspection=False)
    for path in (GRAPHQL, "/fhir/Group/g1/$graphql"):
        response = await fhir.post("{__schema{queryType{name}}}", path=path)
        assert response.status_code == 400


async def test_another_sites_page(start, server):
    """A GET from another site's page is refused; an allowed page may read the answer."""
    fhir = await start(server, cors_origins="https://app.example")
    params, site = {"query": "{__typename}"}, {"sec-fetch-site": "cross-site"}
    refused = await fhir.http.get(GRAPHQL, params=params, headers=site)
    assert refused.status_code == 403
    headers = {**BEARER, "origin": "https://app.example"}
    allowed = await fhir.http.post(GRAPHQL, json={"query": QUERY}, headers=headers)
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"


async def test_ready_answers(fhir, server):
    """An answer that is kept ready is one address's and one caller's."""
    first = await fhir.data("{id}", path="/fhir/Group/g1/$graphql")
    again = await fhir.data("{id}", path="/fhir/Group/g1/$graphql")
    other = await fhir.data("{id}", path="/fhir/Group/g2/$graphql")
    assert (first, again, other) == ({"id": "g1"}, {"id": "g1"}, {"id": "g2"})
    assert server.calls == ["GET /Group/g1", "GET /Group/g2"]


async def test_trusted_documents(start, server, tmp_path):
    """Where only trusted documents run, that is so here too."""
    manifest = tmp_path / "documents.json"
    manifest.write_text(json.dumps({"a": QUERY}))
    fhir = await start(server, trusted_documents=str(manifest))
    response = await fhir.http.post(GRAPHQL, json={"documentId": "a"}, headers=BEARER)
    assert response.json() == NAME
    assert await fhir.failure("{Group(id: g2){name}}") == (403, "UNTRUSTED_DOCUMENT", "forbidden")
