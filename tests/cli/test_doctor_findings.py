"""`group-gateway doctor` on FHIR servers that lack something, and on tokens that do."""

import json
import time
from typing import Any

import pytest

from cli.examining import Examine
from cli.scripted_fhir import BOTH, GROUP, HARDLY, INTERACTIONS, bundle, fhir, jwt, statement
from cli.wrong_servers import http


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            statement("read", "search-type"),
            (
                "warn: The server does not offer Group create and update."
                " Queries work; mutations that need it will fail."
            ),
        ),
        (
            statement("create", "update", "read"),
            (
                "fail: The server does not offer Group search-type."
                " The gateway needs read and search-type at the least."
            ),
        ),
        (
            statement(),
            (
                "warn: The CapabilityStatement names no interactions with Group."
                " Make sure that this server has groups, and is the right one."
            ),
        ),
        (
            statement(*INTERACTIONS, fhirVersion="5.0.0"),
            (
                "warn: The server speaks FHIR 5.0.0, the gateway R4 (4.0 and 4.3)."
                " Ask for the server's R4 base URL."
            ),
        ),
        (
            statement(*INTERACTIONS, software={"name": "Acme FHIR"}),
            "ok: Acme FHIR, FHIR 4.0.1: Group read, search, create and update.",
        ),
    ],
)
def test_statement(examine: Examine, said: dict[str, Any], told: str) -> None:
    """The report says what the CapabilityStatement lacks, and what that means."""
    assert examine.server(fhir({**HARDLY, "/metadata": said}))["CapabilityStatement"] == told


def test_no_groups(examine: Examine) -> None:
    """Where the caller sees no groups, nothing more can be tried."""
    findings = examine.server(fhir(HARDLY))
    assert findings["search"] == (
        "warn: There are no groups to see, so searches and reads can't be tried."
        " If there should be some, the token is another's."
    )
    assert list(findings)[-1] == "clock"


def test_bare_groups(examine: Examine) -> None:
    """Groups without type, members or followers leave the checks nothing to search for."""
    findings = examine.server(fhir({**HARDLY, "/Group": bundle(GROUP), "/Group/a": GROUP}))
    assert findings["id lists"] == "ok: There are too few groups to try."
    assert findings["search by type"] == "warn: The first group has no type to search for."
    assert findings["search by patient"] == (
        "ok: No patient is a member of the first groups: nothing to try."
    )
    assert findings["pages"] == "ok: There are too few groups for two pages."


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (
            bundle(BOTH[0], next="/Group?page=2"),
            bundle(BOTH[0]),
            (
                "fail: The `next` link leads to the same groups again."
                " The gateway can't give more than the first page of a search."
            ),
        ),
        (
            bundle(BOTH[0], next="/Group?page=2"),
            {"resourceType": "OperationOutcome"},
            (
                "fail: The `next` link leads nowhere."
                " The gateway can't give more than the first page of a search."
            ),
        ),
        (bundle(*BOTH), bundle(), "warn: `_count` is ignored: all groups come on one page."),
        (
            bundle(*BOTH, next="/Group?page=2"),
            bundle(),
            "warn: The page links work, but `_count` is ignored.",
        ),
        (
            {"resourceType": "OperationOutcome"},
            bundle(),
            (
                "warn: A search for a page of one group is refused."
                " The gateway can't give more than the first page of a search."
            ),
        ),
    ],
)
def test_pages(examine: Examine, first: dict[str, Any], second: dict[str, Any], told: str) -> None:
    """Page links that don't lead through all groups are reported."""
    answers = {
        **HARDLY,
        "/Group": bundle(*BOTH),
        "/Group?_count=1": first,
        "/Group?_count=100": bundle(*BOTH),
        "/Group?_count=20": bundle(*BOTH),
        "/Group?page=2": second,
    }
    assert examine.server(fhir(answers))["pages"] == told


def test_undeclared_parameter(examine: Examine) -> None:
    """A search that works, but that the server does not declare, is one that is not used."""
    said = statement(*INTERACTIONS)
    said["rest"][0]["resource"][1]["searchParam"] = [{"name": "_id"}]
    answers = {
        "/metadata": said,
        "/Group": bundle(*BOTH),
        "/Group?type": bundle(*BOTH, self="/Group?type=person"),
    }
    assert examine.server(fhir(answers))["search by type"] == (
        "warn: `type` is applied, but the CapabilityStatement does not declare it."
        " The gateway goes by the statement."
        " The gateway filters itself, among the first 2000 groups."
    )


def test_no_date(examine: Examine) -> None:
    """Without `ETag` and `Date` there is no guard for writes, and no clock to compare."""
    answers = {**HARDLY, "/Group": bundle(*BOTH), "/Group/a": BOTH[0]}

    def answer(path: str) -> bytes:
        return fhir(answers)(path).replace(b"Date:", b"X-Date:")

    findings = examine.server(answer)
    assert findings["write guard"] == (
        "warn: Reads have neither a version nor a `Date` to guard a write with."
        " Others' changes may be overwritten: have no one else write."
    )
    assert findings["clock"] == ("warn: Answers have no `Date`, so the server's clock is unknown.")


@pytest.mark.parametrize(
    ("version", "condition"),
    [
        ({}, "the server's `Date`, to the second"),
        ({"meta": {"versionId": "7"}}, "`meta.versionId`"),
        ({"meta": {"versionId": "a"}}, "`meta.versionId`"),
    ],
)
def test_conditions_that_are_not_tried(
    examine: Examine, version: dict[str, Any], condition: str
) -> None:
    """Whether a server honours a write's condition shows at a write alone: nothing is called ok."""
    answers = {**HARDLY, "/Group": bundle(*BOTH), "/Group/a": {**BOTH[0], **version}}
    assert examine.server(fhir(answers))["write guard"] == (
        f"warn: Writes go on the condition of {condition}."
        " Whether the server honours it was not tried. Use --try-write."
    )


def test_a_group_that_can_not_be_written_to(examine: Examine) -> None:
    """A number out of any range is reported, and the other checks run."""
    number = "1e99999999999999999999"
    answers = {**HARDLY, "/Group": bundle(*BOTH), "/Group/a": {**BOTH[0], "name": number}}

    def answer(path: str) -> bytes:
        quoted, bare = f'"{number}"'.encode(), f"  {number}".encode()  # of one length
        return fhir(answers)(path).replace(quoted, bare)

    findings = examine.server(answer)
    assert findings["read"] == "ok: A group can be read by its id."
    assert findings["write guard"] == (
        "warn: The group holds a value that can't be decoded, so it can't be written to."
        " Have it corrected on the server."
    )
    assert "clock" in findings


def test_open_server(examine: Examine) -> None:
    """A server that needs no token is reported, with the setting for it."""
    findings = examine.server(fhir(HARDLY), token="")
    assert findings["credentials"] == (
        "warn: No token was given, and the server answers all the same."
        " Should callers need none, set GROUP_GATEWAY_ALLOW_ANONYMOUS."
    )
    assert "scopes" not in findings


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({}, "ok: The token is a JWT without scopes: what it allows the server decides."),
        (
            {"scope": "openid user/Group.read user/Group.write"},
            "ok: The token's scopes allow to read groups and to write them.",
        ),
        (
            {"scp": ["system/*.*"]},
            "ok: The token's scopes allow to read groups and to write them.",
        ),
        (
            {"scope": "user/Group.cruds"},
            "ok: The token's scopes allow to read groups and to write them.",
        ),
        (
            {"scope": "user/Group.rs?type=person patient/Patient.write"},
            (
                "warn: The token's scopes allow to read groups, not to write them."
                " For mutations it needs user/Group.write (or system/Group.write)."
            ),
        ),
        (
            {"scope": "user/Patient.read user/Group.write"},
            (
                "warn: The token's scopes do not allow to read groups."
                " It needs user/Group.read (or system/Group.read)."
            ),
        ),
    ],
)
def test_scopes(examine: Examine, claims: dict[str, Any], told: str) -> None:
    """The scopes of a JWT are read, in SMART's first and second syntax."""
    assert examine.server(fhir(HARDLY), jwt(**claims))["scopes"] == told


@pytest.mark.parametrize("token", ["a.b.c", "e30.W10.", "a.b", "x.eA.é".removesuffix("é") + "y"])
def test_no_jwt(examine: Examine, token: str) -> None:
    """A token that only looks like a JWT is opaque."""
    assert examine.server(fhir(HARDLY), token)["scopes"] == (
        "ok: The token is opaque: what it allows only the server knows."
    )


@pytest.mark.parametrize(
    ("seconds", "status", "told"),
    [
        (3600, "200 OK", "ok: The server takes the token."),
        (125, "200 OK", "warn: The server takes the token, which expires in 2 minutes."),
        (
            -7300,
            "401 Unauthorized",
            "fail: The server does not accept the token, which expired 2 hours ago.",
        ),
    ],
)
def test_expiry(examine: Examine, seconds: int, status: str, told: str) -> None:
    """For a JWT that expires soon or has expired, the report says to get a new one."""

    def answer(path: str) -> bytes:
        return fhir(HARDLY)(path).replace(b"200 OK", status.encode())

    found = examine.server(answer, jwt(exp=time.time() + seconds))["credentials"]
    assert found == (told if told.startswith("ok") else f"{told} Fetch a new one.")


def test_a_server_that_refuses_an_offset(examine: Examine) -> None:
    """The doctor asks as the gateway does: what is refused is left out, and the rest is tried."""
    refused = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "invalid", "diagnostics": "Unknown: _offset"}],
    }
    pages = fhir({**HARDLY, "/Group?_count=1": bundle(BOTH[0], next="/Group?page=2")})
    second = fhir({"/Group?page=2": bundle(BOTH[1]), "/Group": bundle(*BOTH)})

    def answer(path: str) -> bytes:
        if "_offset" in path:
            return http("400 Bad Request", json.dumps(refused))
        return (pages if path.endswith(("_count=1", "/metadata")) else second)(path)

    assert examine.server(answer)["pages"] == "ok: `_count` and the page links work."
