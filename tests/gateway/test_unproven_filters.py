"""A search parameter that the upstream does not know may find nothing, or be refused oddly."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from gateway.answering import Answering, answering, codes, ids, make_group, page, refusal

FILTERED = "{ groups(filter: { %s }, first: 5) { nodes { id } totalCount } }"
GROUPS = [make_group("a"), make_group("b"), make_group("c", type="practitioner")]
PAGING = {"_count", "_offset", "_total"}


def query_of(target: str) -> dict[str, str]:
    """Return the parameters of a search."""
    return dict(parse_qsl(target.partition("?")[2]))


def finding_nothing(
    *known: str, echoes: bool = False, forms: Callable[[str], str] = str
) -> Callable[[str], dict[str, Any]]:
    """Make a server that finds nothing by a parameter that it does not know."""

    def answer(target: str) -> dict[str, Any]:
        query = query_of(target)
        groups = [] if query.keys() - PAGING - set(known) else GROUPS
        for group in GROUPS:
            wanted = {
                "type": group["type"],
                "member": forms(group["member"][0]["entity"]["reference"]),
            }
            if any(query.get(name, value) != value for name, value in wanted.items()):
                groups = [other for other in groups if other is not group]
        found = page(*({"resource": group} for group in groups), total=len(groups))
        own = [{"relation": "self", "url": target}] if echoes else []
        return found | {"link": own}

    return answer


@pytest.mark.parametrize("echoes", [False, True])
@pytest.mark.parametrize(
    ("known", "asked"),
    [
        (("member", "type"), ["patient=of-b", "member=Patient/of-b"]),
        (("type",), ["patient=of-b", "member=Patient/of-b"]),
        ((), ["patient=of-b", "member=Patient/of-b"]),
    ],
)
async def test_a_parameter_that_finds_nothing(known: Any, asked: list[str], *, echoes: bool):
    """An empty result is not trusted when the parameter does not find a known group either."""
    upstream = Answering(finding_nothing(*known, echoes=echoes))
    async with answering(upstream, cache_ttl=0) as gateway:
        for _ in range(2):
            answer = await gateway(FILTERED % 'patient: "of-b"')
            assert (ids(answer), answer["data"]["groups"]["totalCount"]) == (["b"], 1)
            assert ids(await gateway(FILTERED % 'patient: "nobody"')) == []
        first = [call for call in upstream.calls if "of-b" in call]
        assert [call.partition("?")[2].partition("&")[0] for call in first][:2] == asked
        upstream.calls.clear()
        await gateway(FILTERED % 'patient: "of-b"')
        assert not any("patient=" in call for call in upstream.calls)


async def test_a_reference_that_the_server_wants_otherwise():
    """A server that searches members by the bare id finds nothing by a reference."""
    upstream = Answering(
        finding_nothing("member", forms=lambda reference: reference.partition("/")[2])
    )
    async with answering(upstream) as gateway:
        assert ids(await gateway(FILTERED % 'patient: "of-b"')) == ["b"]
        assert ids(await gateway(FILTERED % 'member: "Patient/of-a"')) == ["a"]


async def test_nothing_is_believed_once_the_parameter_has_found_something():
    """The proof costs two calls, once."""
    upstream = Answering(finding_nothing("member", "type", "patient"))
    async with answering(upstream, cache_ttl=0) as gateway:
        assert ids(await gateway(FILTERED % "type: DEVICE")) == []
        assert len(upstream.calls) == 3
        upstream.calls.clear()
        assert ids(await gateway(FILTERED % "type: ANIMAL")) == []
        assert len(upstream.calls) == 1


async def test_nothing_on_a_server_without_groups():
    """Where there is no group at all, nothing is the truth."""
    async with answering(Answering(lambda _: page())) as gateway:
        answer = await gateway(FILTERED % 'patient: "x"')
        assert answer["data"]["groups"] == {"nodes": [], "totalCount": 0}


def outcome(text: str) -> dict[str, Any]:
    """Return the OperationOutcome of a refusal."""
    found: dict[str, Any] = refusal(text).json()
    return found


@pytest.mark.parametrize("form", ["outcome", "entry"])
@pytest.mark.parametrize("known", [{"_count"}, set()])
async def test_a_refusal_with_the_status_of_success(form: str, known: set[str]):
    """An OperationOutcome of errors in place of groups is a refusal: less is asked for."""

    def answer(target: str) -> dict[str, Any]:
        unknown = sorted(query_of(target).keys() - known)
        if not unknown:
            return page(*({"resource": group} for group in GROUPS))
        told = outcome(f"Unknown search parameter: {unknown[0]}")
        entry = {"resource": told, "search": {"mode": "outcome"}}
        return told if form == "outcome" else page(entry, total=0)

    async with answering(Answering(answer)) as gateway:
        answer_to_all = await gateway("{ groups(first: 5) { nodes { id } } }")
        assert "errors" not in answer_to_all
        assert ids(answer_to_all) == ["a", "b", "c"]
        assert ids(await gateway(FILTERED % 'patient: "of-b"')) == ["b"]


async def test_a_failure_with_the_status_of_success():
    """When nothing helps, the caller gets the upstream's words."""
    upstream = Answering(lambda _: outcome("The database is down"))
    async with answering(upstream) as gateway:
        answer = await gateway("{ groups(first: 5) { nodes { id } } }")
        assert codes(answer) == {"UPSTREAM_INVALID_RESPONSE"}
        [issue] = answer["errors"][0]["extensions"]["operationOutcome"]["issue"]
        assert issue["diagnostics"] == "The database is down"


@pytest.mark.parametrize(("code", "is_absent"), [("not-found", True), ("deleted", True), ("x", 0)])
async def test_a_read_answered_with_an_outcome(code: str, *, is_absent: bool):
    """With the status of success too it means that there is no group, or that none is shown."""
    issue = {"severity": "error", "code": code, "diagnostics": "Why"}
    told = {"resourceType": "OperationOutcome", "issue": [issue]}
    async with answering(Answering(lambda _: httpx.Response(200, json=told))) as gateway:
        answer = await gateway('{ group(id: "1") { id } }')
        assert answer["data"] == {"group": None}
        if is_absent:
            assert "errors" not in answer
        else:
            assert codes(answer) == {"UPSTREAM_INVALID_RESPONSE"}
            assert answer["errors"][0]["extensions"]["operationOutcome"]["issue"] == [issue]
