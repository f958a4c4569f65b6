"""`group-gateway doctor` where nothing answers, or what answers is no FHIR server."""

from pathlib import Path

import pytest

from cli.examining import Examine
from cli.scripted_fhir import HARDLY, fhir
from cli.wrong_servers import http, page, pipeline, self_signed
from group_gateway.cli.doctor.checks.reachability import base_url
from group_gateway.cli.doctor.upstream_probe import Exchange, ProbeReply
from group_gateway.config import Settings
from group_gateway.errors import UpstreamInvalidResponse

HINT = (
    "GROUP_GATEWAY_UPSTREAM_URL is what stands before /metadata and /Group, such as"
    " https://fumage-<instance>.canvasmedical.com or https://<host>/fhir."
)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "http://fumage-acme.invalid",
            (
                "The name fumage-acme.invalid can't be resolved."
                " Check the spelling in GROUP_GATEWAY_UPSTREAM_URL, and this machine's DNS."
            ),
        ),
        (
            "http://127.0.0.1:1",
            (
                "Nothing takes connections at 127.0.0.1 port 1. Check the host and the port in"
                " GROUP_GATEWAY_UPSTREAM_URL, and that the server runs."
            ),
        ),
    ],
)
def test_no_connection(examine: Examine, url: str, told: str) -> None:
    """Without a connection the first check says why, and is the last."""
    assert examine(url) == {"connection": f"fail: {told}"}


def test_plain_http_where_tls_is_wanted(examine: Examine) -> None:
    """An https:// address of a server without TLS is reported as such."""
    with pipeline(lambda _: page("400 Bad Request")) as url:
        port = url.rpartition(":")[2]
        assert examine(url.replace("http:", "https:")) == {
            "connection": f"fail: There is no TLS at 127.0.0.1 port {port}."
            " If the server speaks plain HTTP, GROUP_GATEWAY_UPSTREAM_URL starts with http://."
        }


def test_untrusted_certificate(examine: Examine, tmp_path: Path) -> None:
    """An untrusted certificate is reported, with the setting that names its CA."""
    tls, ca_file = self_signed(tmp_path)
    with pipeline(fhir(HARDLY), tls=tls) as url:
        assert examine(url) == {
            "connection": "fail: The certificate of 127.0.0.1 is not trusted (self-signed"
            " certificate). If the server has a CA of its own, name its PEM file in"
            " GROUP_GATEWAY_UPSTREAM_CA_FILE."
        }
        assert examine(url, upstream_ca_file=str(ca_file))["connection"].startswith("ok: ")


def test_server_that_speaks_something_else(examine: Examine) -> None:
    """A mail server at the address is reported not to be an HTTP server."""
    with pipeline(lambda _: b"220 mail.test ESMTP\r\n") as url:
        assert examine(url)["connection"].startswith(
            f"fail: What answers at 127.0.0.1 port {url.rpartition(':')[2]} does not speak HTTP."
        )


def test_server_that_says_nothing(examine: Examine) -> None:
    """A server that never responds is reported after the timeout of the settings."""
    with pipeline(lambda _: b"") as url:
        assert examine(url, upstream_timeout="0.2") == {
            "connection": "fail: 127.0.0.1 took the connection but did not answer within 0.2"
            " seconds. If the server is that slow, raise GROUP_GATEWAY_UPSTREAM_TIMEOUT."
        }


def test_server_that_breaks_off(examine: Examine) -> None:
    """A connection that ends in the middle of a response is reported."""
    cut = http("200 OK", "x" * 100)[:-50]
    with pipeline(lambda _: cut) as url:
        assert examine(url) == {
            "connection": "fail: 127.0.0.1 broke the connection off."
            " Look into the server's own log."
        }


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (page("404 Not Found"), "the answer is a web page, status 404. " + HINT),
        (page("200 OK"), "the answer is a web page, status 200. " + HINT),
        (
            http("404 Not Found", '{"detail": "Not Found"}', kind="application/json"),
            "the answer is something that is not FHIR, status 404. " + HINT,
        ),
        (
            http("200 OK", '{"resourceType": "Patient"}'),
            "the answer is something that is not FHIR, status 200. " + HINT,
        ),
    ],
)
def test_no_fhir_server(examine: Examine, answer: bytes, told: str) -> None:
    """The report distinguishes a web server without FHIR from an absent group, with a hint."""
    findings = examine.server(lambda _: answer)
    assert list(findings) == ["connection", "base URL"]
    assert findings["base URL"] == f"fail: The base URL is not a FHIR server's: {told}"


def test_too_much_of_an_address(examine: Examine) -> None:
    """For an address of the groups, the report says which part to remove."""
    with pipeline(lambda _: page("404 Not Found")) as url:
        assert examine(f"{url}/fhir/Group/")["base URL"].endswith(
            "Leave /Group off: GROUP_GATEWAY_UPSTREAM_URL is what stands before it."
        )


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        (
            "https://acme.canvasmedical.com",
            "Canvas's FHIR API has a host of its own: try https://fumage-acme.canvasmedical.com.",
        ),
        (
            "https://fumage-acme.canvasmedical.com",
            "Check the instance's name; if it is right, ask Canvas to enable its FHIR API.",
        ),
    ],
)
def test_hints_for_canvas(url: str, hint: str) -> None:
    """A web page at a host of Canvas's means one of two things, which the host's name decides."""
    exchange = Exchange(404, {"content-type": "text/html"}, 0.0, 0.0)
    reply: ProbeReply[object] = ProbeReply(None, UpstreamInvalidResponse("no FHIR"), exchange)
    assert base_url(reply, Settings(upstream_url=url)).remedy == hint


def test_redirect(examine: Examine) -> None:
    """A redirect is not followed; the report says where it leads."""
    location = "Location: https://fhir.test/r4/metadata"
    findings = examine.server(lambda _: http("301 Moved Permanently", "", location))
    assert findings["base URL"] == (
        "fail: The server redirects, with status 301; the gateway never follows."
        " Set GROUP_GATEWAY_UPSTREAM_URL to https://fhir.test/r4."
    )


def test_server_that_fails(examine: Examine) -> None:
    """A 5xx is reported with its status and correlation id, and without its text."""
    correlation = "fumage-correlation-id: 11-22"
    findings = examine.server(lambda _: http("500 Oh", '{"secret": "detail"}', correlation))
    assert findings["base URL"] == (
        "fail: The server fails, with status 500 (correlation id 11-22)."
        " Try later, or tell whoever runs it."
    )


def test_statement_behind_the_token(examine: Examine) -> None:
    """A server that requires a token for its CapabilityStatement is a FHIR server too."""
    findings = examine.server(
        lambda _: http("401 Unauthorized", '{"resourceType": "OperationOutcome"}')
    )
    assert findings["base URL"].startswith("ok: ")
    assert findings["CapabilityStatement"].startswith("warn: There is no CapabilityStatement")
    assert findings["credentials"].startswith("fail: The server does not accept the token.")
