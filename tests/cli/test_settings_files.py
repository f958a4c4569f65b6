"""Certificates that settings name: each is read at the start."""

from pathlib import Path

import pytest

from cli.test_settings import wrong
from cli.wrong_servers import self_signed
from group_gateway.config import PREFIX, SettingsError, read_settings


@pytest.mark.parametrize("name", ["UPSTREAM_CA_FILE", "CACHE_CA_FILE"])
def test_ca_file(name: str, tmp_path: Path) -> None:
    """A CA file must be there, and hold certificates."""
    file = tmp_path / "ca.pem"
    told = f"{PREFIX}{name} is wrong: there is no file of PEM certificates at {file}."
    assert wrong(str(file), name) == told
    file.write_text("no certificate")
    assert wrong(str(file), name) == told


def cache_tls(**settings: str) -> str:
    """Return the sentence about a Redis with TLS and these settings, or nothing."""
    variables = {f"{PREFIX}{name.upper()}": value for name, value in settings.items()}
    try:
        read_settings({f"{PREFIX}CACHE_URL": "rediss://redis.example", **variables}, {})
    except SettingsError as error:
        return str(error)
    return ""


def test_client_certificate_of_the_cache(tmp_path: Path) -> None:
    """A client certificate for Redis is read at the start, not when Redis refuses it for ever."""
    self_signed(tmp_path)
    certificate, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    assert cache_tls(cache_certificate_file=certificate, cache_key_file=key) == ""
    wrong_one = f"{PREFIX}CACHE_CERTIFICATE_FILE is wrong: "
    assert cache_tls(cache_certificate_file=certificate).startswith(wrong_one)
    assert cache_tls(cache_certificate_file="/nowhere", cache_key_file=key).startswith(wrong_one)
    assert cache_tls(cache_key_file=key).startswith(f"{PREFIX}CACHE_CERTIFICATE_FILE is missing")


def test_no_tls_where_the_cache_has_none(tmp_path: Path) -> None:
    """Who names a CA expects TLS, which an address without it does not use."""
    self_signed(tmp_path)
    told = cache_tls(cache_url="redis://redis.example", cache_ca_file=str(tmp_path / "cert.pem"))
    assert told == f"{PREFIX}CACHE_CA_FILE needs TLS: CACHE_URL starts with rediss or valkeys."
    assert cache_tls(cache_ca_file=str(tmp_path / "cert.pem")) == ""
