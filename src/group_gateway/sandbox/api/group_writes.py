"""`POST /Group`, `PUT` and `DELETE /Group/{id}`: create, update and delete.

A body is read and checked before the transaction starts; the transaction itself never waits, so
checks of versions and responsibilities hold until the write is done.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from group_gateway.sandbox import codec
from group_gateway.sandbox.api.access import writer
from group_gateway.sandbox.api.preconditions import check_preconditions
from group_gateway.sandbox.api.reads import asked_id, existing
from group_gateway.sandbox.api.rendering import text_of, version_headers
from group_gateway.sandbox.checks.rules import broken_rules, wrong_values
from group_gateway.sandbox.checks.validation import check_group
from group_gateway.sandbox.data.records import Draft
from group_gateway.sandbox.data.resource import draft_of, finished, ignoring, with_omitted
from group_gateway.sandbox.outcome import FHIR_JSON, Issue, Refusal, refuse
from group_gateway.sandbox.quirks import Body
from group_gateway.sandbox.state import Sandbox, sandbox_of
from group_gateway.sandbox.tokens import Caller

_JSON = {"application/json", FHIR_JSON}


async def create(request: Request) -> Response:
    """Store a new group under an id of the server's choice."""
    sandbox = sandbox_of(request)
    caller = writer(request, sandbox.tokens)
    body = ignoring(await _checked_body(request), {}, sandbox.quirks.ignores_elements)
    draft = draft_of(finished(body, _new_id(caller)))
    with sandbox.store.writing():
        _check_rules(sandbox, body, draft)
        sandbox.store.insert(draft, _now_ms(sandbox))
    return _written(request, draft.id, 201, sandbox.quirks.create_body)


async def update(request: Request) -> Response:
    """Replace a group; never create one."""
    sandbox = sandbox_of(request)
    caller = writer(request, sandbox.tokens)
    identity = asked_id(request)
    body = await _checked_body(request)
    if body.get("id") != identity:
        raise refuse(400, "Logical Id in URL must match logical Id in resource")
    with sandbox.store.writing():
        row = existing(sandbox, identity, caller)
        check_preconditions(request.headers, row, sandbox.quirks)
        body = _merged(sandbox, body, row.body)
        draft = draft_of(finished(body, identity))
        _check_rules(sandbox, body, draft)
        sandbox.store.replace(row, draft, _now_ms(sandbox))
    return _written(request, identity, 200, sandbox.quirks.update_body)


async def delete(request: Request) -> Response:
    """Delete a group (quirk `deletes`)."""
    sandbox = sandbox_of(request)
    caller = writer(request, sandbox.tokens)
    identity = asked_id(request)
    with sandbox.store.writing():
        row = existing(sandbox, identity, caller)
        check_preconditions(request.headers, row, sandbox.quirks)
        sandbox.store.delete(row)
    return Response(status_code=204)


async def _checked_body(request: Request) -> dict[str, Any]:
    """Return a body that is an R4 Group with valid values; raise `Refusal` 400 for any other."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in _JSON:
        raise refuse(400, f"header -> Content-Type — Input should be {FHIR_JSON}")
    try:
        body = codec.decode(await request.body())
    except ValueError as error:
        raise refuse(400, f"body — JSON decode error (type=json_invalid; error={error})") from error
    if issues := check_group(body):
        raise Refusal(400, issues)
    if issues := list(wrong_values(body)):
        raise Refusal(400, issues)
    return dict(body)


def _merged(sandbox: Sandbox, body: dict[str, Any], kept_text: bytes) -> dict[str, Any]:
    quirks = sandbox.quirks
    if not (quirks.keeps_omitted_members or quirks.ignores_elements):
        return body
    kept = codec.decode(kept_text)
    if quirks.keeps_omitted_members:
        body = with_omitted(body, kept)
    return ignoring(body, kept, quirks.ignores_elements)


def _check_rules(sandbox: Sandbox, body: Mapping[str, Any], draft: Draft) -> None:
    taken = sandbox.store.taken(draft.responsibilities, draft.id)
    issues = [
        *broken_rules(body),
        *(
            Issue("business-rule", f"Responsibility '{code}' is already assigned to another team")
            for code in taken
        ),
    ]
    if issues:
        raise Refusal(422, issues)


def _new_id(caller: Caller) -> str:
    """Choose an id; a caller that sees only half of the groups must see its own."""
    while not caller.sees(identity := str(uuid.uuid4())):
        pass
    return identity


def _now_ms(sandbox: Sandbox) -> int:
    return int(sandbox.now() * 1000)


def _written(request: Request, identity: str, status: int, body: Body) -> Response:
    sandbox = sandbox_of(request)
    row = sandbox.store.read(identity)
    assert row is not None  # noqa: S101  it was written a moment ago
    headers = version_headers(row, sandbox.quirks)
    if location := _location(request, identity, row.version):
        headers["Location"] = location
    if body == "empty":
        return Response(status_code=status, headers=headers)
    content = b"null" if body == "null" else text_of(row, sandbox.quirks)
    return Response(content, status_code=status, headers=headers, media_type=FHIR_JSON)


def _location(request: Request, identity: str, version: int) -> str | None:
    path = f"/Group/{identity}"
    base = str(request.base_url).rstrip("/")
    return {
        "relative": path,
        "absolute": base + path,
        "history": f"{path}/_history/{version}",
        "absolute-history": f"{base}{path}/_history/{version}",
        "http": base.replace("https://", "http://", 1) + path,
        "none": None,
    }[sandbox_of(request).quirks.location]
