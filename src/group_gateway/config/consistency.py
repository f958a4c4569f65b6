"""Checks that a setting's type can't express: settings that fit together, and files that exist."""

import os
import re
import ssl
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from group_gateway.cache.redis.address import SCHEMES, AddressError, checked_address
from group_gateway.config.settings_table import PREFIX, Settings
from group_gateway.http.forwarded import TrustedProxies
from group_gateway.http.origins import NotAnOrigin
from group_gateway.http.persisted.manifest import NotAManifest, documents_of
from group_gateway.identity.api_keys import read_keys
from group_gateway.identity.identity_settings import misfits
from group_gateway.observability.otel_variables import UnusableVariable, check_variables
from group_gateway.observability.sampling import is_switched_off
from group_gateway.upstream.client_assertion import NotASigningKey, read_signing_key
from group_gateway.upstream.extra_headers import parse_extra_headers

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)  # RFC 9110, section 5.6.2

_OTEL = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


class SettingsError(ValueError):
    """A setting is unknown or wrong. The text is one sentence for the operator."""


def check(settings: Settings, *, serving: bool = True) -> None:
    """Check the settings as a whole; raise SettingsError.

    A command that is not `serving` answers no callers, so it may leave authentication unset.
    """
    if settings.upstream_url:
        _check_base_url(settings.upstream_url)
    _check_cache_url(settings.cache_url)
    _check_lengths(settings, "secret", "router_key")
    _check_origins(settings)
    _check_trusted_proxies(settings.trusted_proxies)
    _check_megabytes(settings.upstream_megabytes, settings.upstream_total_megabytes)
    if settings.cache_encryption and not settings.secret:
        raise SettingsError(f"{PREFIX}SECRET is missing: the cache is encrypted with it.")
    for name in ("jwt_keys_url", "service_token_url"):
        if url := getattr(settings, name):
            _check_web_url(name, url)
    _check_upstream_headers(settings.upstream_headers)
    for sentence in misfits(settings, settings.upstream_url, PREFIX, serving=serving):
        raise SettingsError(sentence)
    if settings.opentelemetry:
        _check_opentelemetry(os.environ)
    _check_cache_tls(settings)
    for name, check in _FILE_CHECKS.items():
        if path := getattr(settings, name):
            check(Path(path))


def _check_origins(settings: Settings) -> None:
    try:
        settings.origins()
    except NotAnOrigin as error:
        raise SettingsError(
            f"{PREFIX}CORS_ORIGINS is wrong: {error}. It takes origins, separated by commas."
        ) from None
    names = filter(None, map(str.strip, settings.cors_headers.split(",")))
    if not all(map(_TOKEN.fullmatch, names)):
        raise SettingsError(
            f"{PREFIX}CORS_HEADERS is wrong: it takes names of headers, such as x-request-id,"
            " separated by commas."
        )


def _check_trusted_proxies(text: str) -> None:
    try:
        TrustedProxies.of(text)
    except ValueError:
        raise SettingsError(
            f"{PREFIX}TRUSTED_PROXIES is wrong: it takes IP addresses and networks, such as"
            " 10.0.0.0/8, separated by commas."
        ) from None


def _check_lengths(settings: Settings, *names: str) -> None:
    for name in names:
        if 0 < len(getattr(settings, name)) < 16:  # noqa: PLR2004 - said in the sentence
            raise SettingsError(f"{PREFIX}{name.upper()} is too short: take 16 characters or more.")


def _check_url(name: str, url: str, schemes: set[str]) -> None:
    if url.partition("://")[0].lower() not in schemes:
        wanted = " or ".join(f"{scheme}://" for scheme in sorted(schemes))
        raise SettingsError(f"{PREFIX}{name.upper()} is wrong: it starts with {wanted}.")


def _check_cache_url(url: str) -> None:
    _check_url("cache_url", url, {"memory", *SCHEMES})
    try:
        checked_address(url)
    except AddressError as error:
        raise SettingsError(f"{PREFIX}CACHE_URL is wrong: {error}.") from None


def _check_upstream_headers(text: str) -> None:
    try:
        parse_extra_headers(text)
    except ValueError as error:
        raise SettingsError(f"{PREFIX}UPSTREAM_HEADERS is wrong: {error}.") from None


def _check_opentelemetry(environment: Mapping[str, str]) -> None:
    if not all(map(_is_installed, _OTEL)):
        raise SettingsError(
            f"{PREFIX}OPENTELEMETRY needs the extra `otel`: pip install 'group-gateway[otel]'."
        )
    try:
        if not is_switched_off(environment):
            check_variables(environment)
    except UnusableVariable as error:
        raise SettingsError(str(error)) from None


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package that it belongs to is missing
        return False


def _check_megabytes(one: int, total: int) -> None:
    if total < one:
        raise SettingsError(
            f"{PREFIX}UPSTREAM_TOTAL_MEGABYTES is wrong: one answer alone may have {one}"
            f" ({PREFIX}UPSTREAM_MEGABYTES)."
        )


def _check_web_url(name: str, url: str) -> SplitResult:
    """Return the parts of an HTTP URL; raise SettingsError for an invalid one."""
    _check_url(name, url, {"http", "https"})
    wrong = f"{PREFIX}{name.upper()} is wrong: "
    try:
        parts = urlsplit(url)
        usable = parts.hostname and parts.port != 0 and url.isprintable() and " " not in url
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(f"{wrong}it is an address with a host, and without blanks.")
    if parts.username is not None:
        raise SettingsError(f"{wrong}it holds no user name or password.")
    return parts


def _check_base_url(url: str) -> None:
    parts = _check_web_url("upstream_url", url)
    if parts.query or parts.fragment:
        raise SettingsError(f"{PREFIX}UPSTREAM_URL is wrong: it is a base URL, with no query.")


def _ca_file_check(name: str) -> Callable[[Path], None]:
    def check(path: Path) -> None:
        try:
            ssl.create_default_context(cafile=path)
        except (OSError, ValueError):
            raise SettingsError(
                f"{PREFIX}{name} is wrong: there is no file of PEM certificates at {path}."
            ) from None

    return check


def _check_cache_tls(settings: Settings) -> None:
    """Check a client certificate for Redis, and that no TLS is expected where there is none."""
    scheme, certificate = settings.cache_url.partition("://")[0], settings.cache_certificate_file
    for name in ("cache_ca_file", "cache_certificate_file", "cache_key_file"):
        if getattr(settings, name) and not scheme.startswith(("rediss", "valkeys", "memory")):
            raise SettingsError(
                f"{PREFIX}{name.upper()} needs TLS: CACHE_URL starts with rediss or valkeys."
            )
    if settings.cache_key_file and not certificate:
        raise SettingsError(f"{PREFIX}CACHE_CERTIFICATE_FILE is missing: CACHE_KEY_FILE is of it.")
    if certificate:
        context = ssl.create_default_context()
        try:
            context.load_cert_chain(certificate, settings.cache_key_file or None, lambda: b"")
        except (OSError, ValueError):
            raise SettingsError(
                f"{PREFIX}CACHE_CERTIFICATE_FILE is wrong: {certificate} has no certificate"
                " that fits CACHE_KEY_FILE, or the key needs a password."
            ) from None


def _check_api_keys(path: Path) -> None:
    wrong = f"{PREFIX}API_KEYS_FILE is wrong: "
    try:
        read_keys(path)
    except OSError:
        raise SettingsError(f"{wrong}there is no file to read at {path}.") from None
    except ValueError as error:
        raise SettingsError(
            f"{wrong}{error}; a line is a name, the key's SHA-256 and scopes."
        ) from None


def _check_private_key(path: Path) -> None:
    wrong = f"{PREFIX}SERVICE_PRIVATE_KEY_FILE is wrong: "
    try:
        read_signing_key(path)
    except OSError:
        raise SettingsError(f"{wrong}there is no file to read at {path}.") from None
    except NotASigningKey as error:
        raise SettingsError(f"{wrong}{path} {error}.") from None


def _check_trusted_documents(path: Path) -> None:
    wrong = f"{PREFIX}TRUSTED_DOCUMENTS is wrong: "
    try:
        documents_of(path.read_bytes())
    except OSError:
        raise SettingsError(f"{wrong}there is no file to read at {path}.") from None
    except NotAManifest as error:
        raise SettingsError(f"{wrong}{path} is {error}.") from None


_FILE_CHECKS = {
    "upstream_ca_file": _ca_file_check("UPSTREAM_CA_FILE"),
    "cache_ca_file": _ca_file_check("CACHE_CA_FILE"),
    "api_keys_file": _check_api_keys,
    "service_private_key_file": _check_private_key,
    "trusted_documents": _check_trusted_documents,
}
