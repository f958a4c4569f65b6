"""`group-gateway doctor` on a sandbox that behaves, and misbehaves, in every way it looks for."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from cli.commands import Server, ask, run, serving
from cli.examining import Examine
from cli.failing import Failing
from group_gateway.sandbox.wellknown import READ_TOKEN, TOKEN
from upstreams.plugin import JAVA_SERVERS

WRITTEN = {"resourceType": "Group", "id": "a", "type": "person", "actual": True, "name": "As it is"}
SCAN = "The gateway filters itself, among the first 2000 groups."
CHECKS = [
    "connection",
    "base URL",
    "CapabilityStatement",
    "credentials",
    "scopes",
    "id lists",
    "search by type",
    "search by patient",
    "pages",
    "total",
    "read",
    "write guard",
    "clock",
]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Server]:
    """Run the sandbox's FHIR server for the tests of this file."""
    with serving("sandbox", "--upstream-only", "--port", "0") as server:
        yield server


@dataclass(frozen=True)
class Doctor:
    """The doctor on this upstream, and how that behaves."""

    examine: Examine
    url: str

    def __call__(self, *, token: str = TOKEN, **quirks: Any) -> dict[str, str]:
        """Run the doctor on the upstream with some quirks."""
        ask("PUT", f"{self.url}/sandbox/quirks", json=quirks).raise_for_status()
        return self.examine(self.url, token)


@pytest.fixture
def doctor(upstream: Server, examine: Examine) -> Iterator[Doctor]:
    """Yield the doctor on the sandbox's FHIR server, which behaves again afterwards."""
    yield Doctor(examine, upstream.url)
    ask("DELETE", f"{upstream.url}/sandbox/quirks").raise_for_status()


@contextmanager
def answered_writes() -> Iterator[tuple[str, list[Any]]]:
    """Run a server with one group that takes any PUT; yield its URL and the bodies of those."""
    bodies: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown = {**WRITTEN, "meta": {"versionId": "7"}}
            page = {"resourceType": "Bundle", "total": 1, "entry": [{"resource": shown}]}
            self._answer(page if "?" in self.path else shown)

        def do_PUT(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            del body["meta"]
            bodies.append(body)
            self._answer(body)

        def _answer(self, value: Any) -> None:
            content = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}", bodies
        server.shutdown()
        serving.join()


def failed(findings: dict[str, str]) -> list[str]:
    """Return the checks that failed."""
    return [check for check, finding in findings.items() if finding.startswith("fail: ")]


def test_healthy_upstream_in_lines(upstream: Server) -> None:
    """On a server without faults each check is a line that begins with ok, and the status is 0."""
    ended = run("doctor", "--try-write", upstream_url=upstream.url, doctor_token=TOKEN)
    assert (ended.status, ended.err) == (0, "")
    *lines, last = ended.out.splitlines()
    assert [line[:25].removeprefix("ok    ").strip() for line in lines] == CHECKS
    assert last == "13 ok, 0 to know, 0 failed."


def test_healthy_upstream_in_json(doctor: Doctor) -> None:
    """As JSON it is the same checks, in the same order."""
    findings = doctor()
    assert list(findings) == CHECKS
    assert findings.pop("write guard") == (
        "warn: Writes go on the condition of the server's `Date`, to the second."
        " Whether the server honours it was not tried. Use --try-write."
    )
    assert {finding.partition(":")[0] for finding in findings.values()} == {"ok"}


@pytest.mark.parametrize("name", ["fhirstarter", "medplum", *JAVA_SERVERS])
def test_other_servers(name: str, request: pytest.FixtureRequest) -> None:
    """It finds nothing to fail in the other servers that the gateway is tested with."""
    server = request.getfixturevalue(name)
    request.getfixturevalue("seed_once")(server)
    ended = run("doctor", "--try-write", "--upstream-url", server.url, doctor_token=TOKEN)
    assert ended.status == 0, ended.out
    assert "ok    write guard" in ended.out
    assert ended.out.splitlines()[-1] == (
        "12 ok, 1 to know, 0 failed." if name == "fhirstarter" else "13 ok, 0 to know, 0 failed."
    )


def test_needs_an_upstream(failing: Failing) -> None:
    """Without an upstream it says which setting is missing."""
    assert failing("doctor").startswith(
        "doctor needs an upstream: set GROUP_GATEWAY_UPSTREAM_URL or --upstream-url"
    )


def test_it_only_reads(doctor: Doctor) -> None:
    """Nothing but GET reaches the upstream."""
    ask("DELETE", f"{doctor.url}/sandbox/requests").raise_for_status()
    doctor()
    log = ask("GET", f"{doctor.url}/sandbox/requests").json()["requests"]
    assert {entry["method"] for entry in log} == {"GET"}


def test_token_from_standard_input(upstream: Server) -> None:
    """The token may come from standard input, with or without the word Bearer."""
    flags = ("--upstream-url", upstream.url, "--token-file", "-")
    assert run("doctor", *flags, stdin=f"Bearer {TOKEN}\n").status == 0


def test_help_says_where_the_token_comes_from() -> None:
    """The help names the ways to pass a token, and says why no flag takes one."""
    told = run("doctor", "--help").out
    assert "GROUP_GATEWAY_DOCTOR_TOKEN" in told
    assert "visible to every user" in told


def test_token_file_that_is_not_there(tmp_path: Path, failing: Failing) -> None:
    """A token that can't be read is one sentence."""
    flags = ("--upstream-url", "http://127.0.0.1:1", "--token-file", str(tmp_path / "token"))
    assert failing("doctor", *flags) == f"can't read a token from {tmp_path / 'token'}."


def test_token_with_line_breaks() -> None:
    """What can't be a token is refused, and not repeated."""
    flags = ("--upstream-url", "http://127.0.0.1:1", "--token-file", "-")
    sentence = run("doctor", *flags, stdin="one\r\nX-Other: two").sentence
    assert sentence == "the token holds characters that no bearer token has."


def test_missing_token(upstream: Server) -> None:
    """Without a token it says that one is wanted, and how to give it; the status is 1."""
    ended = run("doctor", "--upstream-url", upstream.url)
    assert ended.status == 1
    assert (
        "fail  credentials         The server wants a token, and none was given."
        " Set GROUP_GATEWAY_DOCTOR_TOKEN, or use --token-file.\n"
    ) in ended.out


def test_wrong_token(doctor: Doctor) -> None:
    """A token that the server refuses is reported, and not printed."""
    findings = doctor(token="not-a-token")
    assert failed(findings) == ["credentials"]
    assert findings["credentials"] == (
        "fail: The server does not accept the token."
        " Check that it is this server's, whole, and still good."
    )
    assert "not-a-token" not in str(findings)


def test_token_without_the_right_to_search(doctor: Doctor) -> None:
    """A 403 is reported as a missing scope, with the correlation id for the server's support."""
    fault = {"kind": "status", "status": 403, "path": "/Group"}
    told = doctor(faults=[fault])["credentials"]
    assert told.startswith("fail: The token may not search for groups (correlation id ")
    assert told.endswith("It needs the scope user/Group.read (or system/Group.read).")


def test_read_only_token_is_enough(doctor: Doctor) -> None:
    """What may only read is examined all the same: writes are never tried."""
    assert failed(doctor(token=READ_TOKEN)) == []


Quirk = dict[str, Any]


@pytest.mark.parametrize(
    ("quirk", "check", "told"),
    [
        (
            {"comma_lists_literal": True},
            "id lists",
            "warn: `_id` takes one id, no list. The gateway reads groups one by one, in parallel.",
        ),
        (
            {"refuse_comma_lists": True},
            "id lists",
            "warn: `_id` takes one id, no list. The gateway reads groups one by one, in parallel.",
        ),
        (
            {"ignore_parameters": ["_id"]},
            "id lists",
            "warn: `_id` is not applied. The gateway reads groups one by one, in parallel.",
        ),
        (
            {"ignore_parameters": ["patient"]},
            "search by patient",
            f"warn: `patient` is ignored and `member` is ignored. {SCAN}",
        ),
        ({"member_parameter": True}, "search by patient", "ok: `member` is applied, as declared."),
        (
            {"no_links": True},
            "search by type",
            f"warn: `type` is not echoed in the `self` link, so it may be ignored. {SCAN}",
        ),
        (
            {"no_links": True},
            "pages",
            (
                "fail: There is no `next` link on a page that others follow."
                " The gateway can't give more than the first page of a search."
            ),
        ),
        ({"absolute_links": True}, "pages", "ok: `_count` and the page links work."),
        ({"opaque_links": True}, "pages", "ok: `_count` and the page links work."),
        (
            {"no_total": True},
            "total",
            "warn: Searches do not tell how many groups they find. `totalCount` is null.",
        ),
        (
            {"etag": True},
            "write guard",
            (
                "warn: Writes go on the condition of the read's `ETag`."
                " Whether the server honours it was not tried. Use --try-write."
            ),
        ),
        (
            {"clock_skew_s": -90.0},
            "clock",
            (
                "warn: The server's clock is 90 s behind this machine's."
                " Tokens may count as expired, or not valid yet: set both by NTP."
            ),
        ),
        (
            {"clock_skew_s": 3600.0},
            "clock",
            (
                "warn: The server's clock is 3600 s ahead of this machine's."
                " Tokens may count as expired, or not valid yet: set both by NTP."
            ),
        ),
        (
            {"faults": [{"kind": "status", "status": 404, "path": "/Group/"}]},
            "read",
            (
                "fail: A group that a search found does not exist for a read."
                " Ask whoever runs the server."
            ),
        ),
    ],
)
def test_behaviour(doctor: Doctor, quirk: Quirk, check: str, told: str) -> None:
    """The report describes each deviation of a server, and its effect on the gateway."""
    finding = doctor(**quirk)[check]
    # A clock is read to the second.
    assert finding.replace("89 s", "90 s").replace("3599 s", "3600 s") == told


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"kind": "status", "status": 500}, "The upstream failed with status 500."),
        ({"kind": "reset"}, "The upstream closed the connection."),
        ({"kind": "not_json"}, "The upstream's answer to a read is not a group."),
    ],
)
def test_reads_that_fail(doctor: Doctor, fault: Quirk, told: str) -> None:
    """A failed read is reported with the gateway's own message, although searches work."""
    finding = doctor(faults=[{**fault, "path": "/Group/"}])["read"]
    assert finding.startswith(f"fail: A group that a search found can't be read: {told}")


def test_search_that_fails(doctor: Doctor) -> None:
    """A server whose searches fail is not blamed on the token."""
    fault = {"kind": "status", "status": 503, "path": "/Group"}
    told = doctor(faults=[fault])["credentials"]
    assert told.startswith("fail: A search for groups fails: The upstream failed with status 503.")


def test_statement_that_is_missing(doctor: Doctor) -> None:
    """A server without a CapabilityStatement is checked by its responses alone."""
    fault = {"kind": "status", "status": 404, "path": "/metadata"}
    findings = doctor(faults=[fault])
    assert failed(findings) == []
    assert findings["base URL"].startswith("ok: ")
    assert findings["CapabilityStatement"].startswith(
        "warn: There is no CapabilityStatement to read at /metadata"
    )
    assert findings["search by type"] == "ok: `type` is applied."


def test_a_server_that_ignores_conditions(examine: Examine) -> None:
    """An accepted write that should be refused is reported; it changes only the version."""
    with answered_writes() as (url, bodies):
        told = examine(url, TOKEN, "--try-write")["write guard"]
    assert told == (
        "warn: The server ignores a write's condition of `meta.versionId`."
        " Others' changes may be overwritten: have no one else write."
    )
    assert bodies == [WRITTEN]
