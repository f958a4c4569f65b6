"""Settings of authentication: a missing or contradictory one is refused in one sentence."""

from pathlib import Path

import pytest

from cli.failing import Failing
from group_gateway.config import SettingsError, read_settings

UPSTREAM = {"upstream_url": "https://fhir.test"}
JWT = {
    "callers": "jwt",
    "jwt_issuer": "https://issuer.test",
    "jwt_audience": "gateway",
    "jwt_keys_url": "https://issuer.test/keys",
}
SERVICE = {
    "service_client_id": "gateway",
    "service_client_secret": "s3cret",
    "service_token_url": "https://auth.test/token",
}


def told(**settings: str) -> str:
    """Return the sentence about settings; none if they are good."""
    variables = {f"GROUP_GATEWAY_{k.upper()}": v for k, v in (UPSTREAM | settings).items()}
    try:
        read_settings(variables, {})
    except SettingsError as error:
        return str(error).replace("s3cret", "a secret that is told")
    return ""


@pytest.mark.parametrize(
    "settings",
    [JWT, JWT | SERVICE, SERVICE | {"callers": "anybody"}, {"allow_anonymous": "yes"}],
)
def test_what_goes_together(settings: dict[str, str]) -> None:
    """Each mode with what it needs is taken."""
    assert told(**settings) == ""


def test_canvas_needs_no_token_url() -> None:
    """Where Canvas gives its tokens follows from the base URL."""
    canvas = {"service_token_url": "", "upstream_url": "https://fumage-a.canvasmedical.com"}
    assert told(**(JWT | SERVICE | canvas)) == ""


@pytest.mark.parametrize("name", ["jwt_issuer", "jwt_audience", "jwt_keys_url"])
def test_what_a_jwt_needs(name: str) -> None:
    """A JWT is known by three things."""
    sentence = told(**{**JWT, name: ""})
    assert sentence == (
        f"GROUP_GATEWAY_{name.upper()} is missing: callers with a JWT are known by it."
    )


@pytest.mark.parametrize(
    ("name", "alternative"),
    [("service_client_secret", ", or without a private key"), ("service_token_url", "")],
)
def test_what_a_service_account_needs(name: str, alternative: str) -> None:
    """A service account has a secret or a key, and a place to get tokens."""
    assert told(**{**JWT, **SERVICE, name: ""}) == (
        f"GROUP_GATEWAY_{name.upper()} is missing: the service account gets no token without"
        f" it{alternative}."
    )


def test_open_doors(failing: Failing) -> None:
    """A service account without authentication must be chosen by name."""
    assert failing("serve", **UPSTREAM, **SERVICE) == (
        "A service account would let everybody in: set GROUP_GATEWAY_CALLERS to jwt or api-keys,"
        " or to anybody if that is meant."
    )


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"callers": "anybody"},
            (
                "GROUP_GATEWAY_CALLERS=anybody needs a service account:"
                " set GROUP_GATEWAY_SERVICE_CLIENT_ID."
            ),
        ),
        (
            JWT | {"allow_anonymous": "yes"},
            "GROUP_GATEWAY_ALLOW_ANONYMOUS does not go with GROUP_GATEWAY_CALLERS=jwt.",
        ),
        (
            {"callers": "everyone"},
            "GROUP_GATEWAY_CALLERS is wrong: it takes one of anybody, api-keys, jwt, pass-through.",
        ),
        (
            JWT | {"jwt_keys_url": "issuer.test/keys"},
            "GROUP_GATEWAY_JWT_KEYS_URL is wrong: it starts with http:// or https://.",
        ),
        (
            SERVICE | {"callers": "api-keys"},
            "GROUP_GATEWAY_API_KEYS_FILE is missing: callers with an API key are known by it.",
        ),
    ],
)
def test_what_does_not_fit(settings: dict[str, str], sentence: str) -> None:
    """What is no mode, or does not go with the mode, is one sentence."""
    assert told(**settings) == sentence


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://", "it is an address with a host, and without blanks."),
        ("https://[issuer", "it is an address with a host, and without blanks."),
        ("https://issuer.test:99999/", "it is an address with a host, and without blanks."),
        ("https://issuer.test/\nkeys", "it is an address with a host, and without blanks."),
        ("https://issuer.test/ keys", "it is an address with a host, and without blanks."),
        ("https://ada:s3cret@issuer.test/", "it holds no user name or password."),
    ],
)
@pytest.mark.parametrize("name", ["jwt_keys_url", "service_token_url"])
def test_an_address_that_nobody_can_ask(name: str, url: str, why: str) -> None:
    """It is found at the start, and not by each caller's request."""
    wrong = f"GROUP_GATEWAY_{name.upper()} is wrong: {why}"
    assert told(**{**JWT, **SERVICE, name: url}) == wrong


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no key"),
        ("# nothing\n", "no key"),
        (f"ada {'a' * 64}\n", "line 1"),
        (f"\nada {'a' * 63} user/Group.read\n", "line 2"),
        (f"ada {'a' * 64} user/Patient.read\n", "line 1"),
        (f"ada {'a' * 64} user/Group.read\nbob {'A' * 64} user/Group.read", "line 2"),
    ],
)
def test_a_file_of_api_keys_that_is_none(tmp_path: Path, text: str, why: str) -> None:
    """Each line must have a name, a digest of its own, and a scope that allows something."""
    file = tmp_path / "keys"
    file.write_text(text)
    assert told(**SERVICE, callers="api-keys", api_keys_file=str(file)) == (
        f"GROUP_GATEWAY_API_KEYS_FILE is wrong: {why};"
        " a line is a name, the key's SHA-256 and scopes."
    )


@pytest.mark.parametrize(
    ("encoding", "why"), [("utf-8", ""), ("utf-8-sig", ""), ("utf-16", "not UTF-8")]
)
def test_how_a_file_of_api_keys_is_written(tmp_path: Path, encoding: str, why: str) -> None:
    """It is UTF-8, with or without the mark that some editors begin a file with."""
    file = tmp_path / "keys"
    file.write_text(f"# René's\nrené {'a' * 64} user/Group.read\n", encoding)
    sentence = told(**SERVICE, callers="api-keys", api_keys_file=str(file))
    assert sentence == "" if not why else f"is wrong: {why};" in sentence


def test_no_file_of_api_keys(tmp_path: Path) -> None:
    """A missing file is an error that says so."""
    sentence = told(**SERVICE, callers="api-keys", api_keys_file=str(tmp_path / "keys"))
    assert sentence.endswith(f"there is no file to read at {tmp_path / 'keys'}.")
