"""Where settings come from beside variables and flags, and how `settings` shows them."""

import json
from pathlib import Path

import pytest

from cli.commands import NOWHERE, run
from group_gateway.config import PREFIX, SECRETS, SETTINGS, Settings, SettingsError, read_settings

KUBERNETES = {
    "GROUP_GATEWAY_SERVICE_HOST": "10.96.0.7",
    "GROUP_GATEWAY_SERVICE_PORT": "8000",
    "GROUP_GATEWAY_SERVICE_PORT_HTTP": "8000",
    "GROUP_GATEWAY_PORT": "tcp://10.96.0.7:8000",
    "GROUP_GATEWAY_PORT_8000_TCP": "tcp://10.96.0.7:8000",
    "GROUP_GATEWAY_PORT_8000_TCP_PROTO": "tcp",
    "GROUP_GATEWAY_PORT_8000_TCP_PORT": "8000",
    "GROUP_GATEWAY_PORT_8000_TCP_ADDR": "10.96.0.7",
    "GROUP_GATEWAY_REDIS_SERVICE_HOST": "10.96.0.8",
    "GROUP_GATEWAY_REDIS_SERVICE_PORT_REDIS": "6379",
    "GROUP_GATEWAY_REDIS_PORT": "tcp://10.96.0.8:6379",
    "GROUP_GATEWAY_REDIS_PORT_6379_TCP_ADDR": "10.96.0.8",
    "GROUP_GATEWAY_DNS_PORT_53_UDP": "udp://10.96.0.9:53",
}


def test_kubernetes_services_are_no_settings() -> None:
    """The variables of Services called `group-gateway` and `group-gateway-redis` mean nothing."""
    assert read_settings(KUBERNETES, {}) == Settings()


def test_port_beside_a_kubernetes_service(tmp_path: Path) -> None:
    """The port of the `.env` file counts where Kubernetes takes the variable."""
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"{PREFIX}PORT=9000\n")
    assert read_settings(KUBERNETES, {}, dotenv=dotenv).port == 9000


@pytest.mark.parametrize("name", ["PROT", "SERVICE_HOSTS", "SERVICE_CLIENT", "PORT_HTTP"])
def test_what_only_resembles_a_service(name: str) -> None:
    """A misspelled setting is an error, also where Services have variables."""
    with pytest.raises(SettingsError, match=f"There is no setting {PREFIX}{name}"):
        read_settings({**KUBERNETES, f"{PREFIX}{name}": "8000"}, {})


@pytest.mark.parametrize("name", sorted(SECRETS - {"cache_url", "upstream_headers"}))
def test_secret_in_a_file(name: str, tmp_path: Path) -> None:
    """Each secret can be read from a file, without the line's end that editors add."""
    file = tmp_path / "secret"
    file.write_text("0123456789abcdef\n")
    settings = read_settings({f"{PREFIX}{name.upper()}_FILE": str(file)}, {}, serving=False)
    assert getattr(settings, name) == "0123456789abcdef"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "no text can be read from"),
        (b"\xff\xfe", "no text can be read from"),
        (b"\n", "is empty"),
    ],
)
def test_secret_in_a_file_that_is_none(content: bytes | None, why: str, tmp_path: Path) -> None:
    """A file that is missing, no text, or empty is one sentence."""
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=f"{PREFIX}SECRET_FILE is wrong: .*{why}"):
        read_settings({f"{PREFIX}SECRET_FILE": str(file)}, {})


def test_secret_twice(tmp_path: Path) -> None:
    """A secret and its file do not go together."""
    file = tmp_path / "secret"
    file.write_text("0123456789abcdef")
    variables = {f"{PREFIX}SECRET": "fedcba9876543210", f"{PREFIX}SECRET_FILE": str(file)}
    with pytest.raises(SettingsError, match=f"Set {PREFIX}SECRET or {PREFIX}SECRET_FILE, not both"):
        read_settings(variables, {})


def test_settings_shows_values_and_sources(tmp_path: Path) -> None:
    """`settings` prints what counts and where it comes from."""
    (tmp_path / ".env").write_text(f"{PREFIX}CACHE_TTL=3\n")
    told = run("settings", "--changed", "--port", "9", cwd=tmp_path, workers="2").out
    assert {tuple(line.split()) for line in told.splitlines()} == {
        ("GROUP_GATEWAY_PORT=9", "#", "--port"),
        ("GROUP_GATEWAY_WORKERS=2", "#", "GROUP_GATEWAY_WORKERS"),
        ("GROUP_GATEWAY_CACHE_TTL=3", "#", ".env"),
    }


def test_settings_shows_all() -> None:
    """`settings` prints every setting, by default with its default value."""
    rows = json.loads(run("settings", "--json").out)
    assert [row["name"] for row in rows] == [f"{PREFIX}{name.upper()}" for name in SETTINGS]
    assert {row["source"] for row in rows} <= {"default", *(row["name"] for row in rows)}


def test_settings_masks_secrets(tmp_path: Path) -> None:
    """`settings` prints no secret, whichever way it came."""
    file = tmp_path / "secret"
    file.write_text("0123456789hunter2")
    told = run(
        "settings",
        router_key="0123456789hunter2",
        secret_file=str(file),
        cache_url="rediss://ada:hunter2@cache.test:6380/0?password=hunter2",
        upstream_headers="X-Api-Key: hunter2",
        service_client_secret="hunter2",
        doctor_token="hunter2",
    )
    assert "hunter2" not in told.out + told.err
    assert "GROUP_GATEWAY_CACHE_URL=rediss://ada:********@cache.test:6380/0?********" in told.out


@pytest.mark.parametrize(
    ("cache_url", "base_url"),
    [
        ("redis://:pa/hunter2@cache.test", "https://ada:hunter2@fhir.test/fhir"),
        ("redis://:hunter2#2@cache.test", "https://hunter2@fhir.test/fhir"),
        ("redis://:hunter2@[cache.test", "https://ada:b@hunter2@fhir.test/fhir"),
        ("redis://hunter2@cache.test", "https://fhir.test/fhir?key=hunter2"),
        ("redis:hunter2@cache.test", "ada:hunter2@fhir.test"),
    ],
)
def test_settings_masks_what_is_wrong(cache_url: str, base_url: str) -> None:
    """`settings` prints no credentials of an address, in whatever form, and does not break."""
    urls = {"cache_url": cache_url, "upstream_url": base_url, "service_token_url": base_url}
    told = run("settings", "--changed", cwd=NOWHERE, **urls)
    assert [line.partition("=")[0] for line in told.out.splitlines()] == [
        f"{PREFIX}{name.upper()}" for name in ("upstream_url", "service_token_url", "cache_url")
    ]
    assert "hunter2" not in told.out + told.err
    assert "Traceback" not in told.err


def test_settings_that_do_not_fit() -> None:
    """`settings` prints what there is, and then the sentence that `serve` would end with."""
    ended = run("settings", "--changed", cwd=NOWHERE, callers="jwt")
    assert (ended.status, ended.out.split()[0]) == (1, "GROUP_GATEWAY_CALLERS=jwt")
    assert "GROUP_GATEWAY_JWT_ISSUER is missing" in ended.err


@pytest.mark.parametrize("command", ["serve", "sandbox"])
def test_audit_log_that_cannot_be_written(command: str, tmp_path: Path) -> None:
    """A command does not start when its audit log can't be written."""
    sentence = run(command, "--port", "0", audit_file=str(tmp_path), **_upstream(command)).sentence
    assert sentence.startswith(f"GROUP_GATEWAY_AUDIT_FILE is wrong: {tmp_path} can't be written")


def _upstream(command: str) -> dict[str, str]:
    return {"upstream_url": "http://127.0.0.1:9"} if command == "serve" else {}
