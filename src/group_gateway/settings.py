"""The settings: `GROUP_GATEWAY_*` variables, a `.env` file, and flags. The only reader of both.

`cli` reads them; `app` obeys them. An unknown setting is an error with the nearest known name.
"""

import difflib
import hashlib
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from dotenv import dotenv_values
from msgspec import Meta, inspect

from group_gateway.access.apikeys import parse_keys
from group_gateway.access.knobs import ACCESS_SETTINGS, AccessSettings, misfits
from group_gateway.web.manifest import NotAManifest, documents_of

PREFIX = "GROUP_GATEWAY_"
# As browsers send it (RFC 6454, section 6.2): in lower case, and without a path.
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d+)?|https?://\[[0-9a-f:]+\](:\d+)?")
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]


class SettingsError(ValueError):
    """A setting is unknown or wrong; the text is one sentence for whoever set it."""


class Settings(AccessSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings, checked. `SETTINGS` says what each is for."""

    upstream_url: str = ""
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8000
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    upstream_timeout: Annotated[float, Meta(gt=0, le=600)] = 10.0
    upstream_connections: Annotated[int, Meta(ge=1, le=10_000)] = 100
    upstream_queue: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    upstream_megabytes: Annotated[int, Meta(ge=1, le=10_000)] = 64
    upstream_retries: Annotated[int, Meta(ge=0, le=10)] = 2
    upstream_rest: Annotated[float, Meta(ge=0, le=600)] = 2.0
    upstream_ca_file: str = ""
    upstream_check: bool = True
    cache_url: str = "memory://"
    cache_ttl: Seconds = 30.0
    cache_search_ttl: Seconds = 10.0
    cache_absence_ttl: Seconds = 5.0
    cache_stale: Seconds = 0.0
    cache_entries: Count = 20_000
    cache_megabytes: Annotated[int, Meta(ge=1, le=100_000)] = 64
    cache_encryption: bool = False
    secret: str = ""
    deadline: Annotated[float, Meta(gt=0, le=600)] = 20.0
    upstream_calls: Count = 50
    connections: Count = 800
    client_timeout: Annotated[float, Meta(gt=0, le=3600)] = 30.0
    operations: Count = 500
    body_bytes: Count = 4 * 1024 * 1024
    log_requests: Literal["none", "failed", "all"] = "failed"
    audit_file: str = ""
    audit_required: bool = True
    batch_operations: Annotated[int, Meta(ge=0, le=1000)] = 0
    query_depth: Count = 15
    query_tokens: Count = 5_000
    query_fields: Count = 2_000
    query_root_fields: Count = 200
    query_aliases: Count = 500
    query_directives: Count = 100
    compiled: bool = True
    cors_origins: str = ""
    persisted_queries: bool = True
    trusted_documents: str = ""
    trusted_documents_mode: Literal["off", "log", "enforce"] = "enforce"
    graphiql: bool = True
    introspection: bool = True
    doctor_token: str = ""

    def origins(self) -> frozenset[str]:
        """Give the sites whose pages may ask."""
        return frozenset(filter(None, map(str.strip, self.cors_origins.split(","))))

    def key(self) -> bytes:
        """Give the key of scopes, cache keys and cursors.

        Without a `secret` it comes from the addresses of upstream and cache, so that replicas
        and restarts agree on it.
        """
        text = self.secret or f"{self.upstream_url} {self.cache_url}"
        return hashlib.blake2b(text.encode(), digest_size=32, person=b"group-gateway").digest()


SETTINGS: Mapping[str, str] = {
    "upstream_url": "Base URL of the FHIR server, such as `https://fumage-acme.canvasmedical.com`.",
    "host": "Address to listen on.",
    "port": "Port to listen on; 0 takes any free one.",
    "workers": "Processes that `serve` serves with.",
    **ACCESS_SETTINGS,
    "upstream_timeout": "Seconds that one upstream call may take.",
    "upstream_connections": "Connections to the upstream at the same time.",
    "upstream_queue": "Upstream calls that may wait for a connection, half of them one caller's.",
    "upstream_megabytes": "Megabytes that the body of an upstream answer may have.",
    "upstream_retries": "Times that a read is tried again when the upstream fails; 0 for never.",
    "upstream_rest": "Seconds that a failing upstream is left alone; 0 for never.",
    "upstream_ca_file": "PEM file with the CA of the upstream's certificate; else the system's.",
    "upstream_check": "`serve` does not start while the upstream can't be reached.",
    "cache_url": "`memory://`, or `redis://…` (`rediss://…`, `unix://…`) to share it.",
    "cache_ttl": "Seconds that a group is served from the cache; 0 switches the cache off.",
    "cache_search_ttl": "Seconds that a search page is served from the cache.",
    "cache_absence_ttl": "Seconds that a group's absence is.",
    "cache_stale": "Seconds past its time that an entry is served while the upstream is down.",
    "cache_entries": "Entries that the memory cache holds at most.",
    "cache_megabytes": "Megabytes that the memory cache holds at most.",
    "cache_encryption": "Encrypt what is kept in Redis; needs a secret.",
    "secret": "Key of cache keys and cursors, 16 characters or more; the same in all replicas.",
    "deadline": "Seconds that an operation may take in all.",
    "upstream_calls": "Upstream calls that one operation may cause.",
    "connections": "Connections of clients that a process takes at the same time.",
    "client_timeout": "Seconds that a client may take to send a request, or to take an answer.",
    "operations": "Operations that a process executes at once; fewer while it can't keep up.",
    "body_bytes": "Bytes that a request body may have.",
    "log_requests": "Requests that have a line in the log: `none`, `failed` or `all`.",
    "audit_file": "File to append the audit log to; there is none without it.",
    "audit_required": "Answer nothing while the audit log can't be written.",
    "batch_operations": "Operations that an array in one request may hold; 0 takes no arrays.",
    "query_depth": "Levels of fields that an operation may have.",
    "query_tokens": "Tokens that a document may have.",
    "query_fields": "Fields that a document may have, its fragments expanded.",
    "query_root_fields": "Root fields that an operation may have.",
    "query_aliases": "Aliases that an operation may have, its fragments expanded.",
    "query_directives": "Directives that a document may have.",
    "compiled": "Run repeated queries from compiled plans; off executes all by graphql-core.",
    "cors_origins": "Origins whose pages may ask, such as `https://app.example`, by commas.",
    "persisted_queries": "Learn documents by their hash (automatic persisted queries).",
    "trusted_documents": "File with the documents that clients were built with.",
    "trusted_documents_mode": "`enforce` executes no others, `log` counts them, or `off`.",
    "graphiql": "Show GraphiQL to browsers.",
    "introspection": "Answer questions about the schema.",
    "doctor_token": "Bearer token that `doctor` asks the upstream with.",
}
"""What each setting is for, as the README's table says it."""


def read_settings(
    environment: Mapping[str, str], flags: Mapping[str, Any], *, dotenv: Path | None = None
) -> Settings:
    """Read the settings: flags before variables before the `.env` file. Raises SettingsError.

    A variable that is empty counts as not set, whatever the file says.
    """
    raw: dict[str, Any] = {}
    for variable, value in {**_file(dotenv), **environment}.items():
        if variable.startswith(PREFIX):
            raw[_known(variable)] = _boolean_words(value.strip())
    given = {name: value for name, value in flags.items() if value is not None}
    raw = {name: value for name, value in raw.items() if value} | given
    for name, value in raw.items():
        _check_value(name, value, "--" + name.replace("_", "-") if name in given else "")
    settings = msgspec.convert(raw, Settings, strict=False)
    _check(settings)
    return settings


def _file(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    try:
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{path} can't be read as a file of settings.") from None
    return {name: value or "" for name, value in values.items()}


def _known(variable: str) -> str:
    name = variable.removeprefix(PREFIX).lower()
    if name in SETTINGS:
        return name
    nearest = difflib.get_close_matches(name, SETTINGS, n=1, cutoff=0)[0]
    raise SettingsError(f"There is no setting {variable}; did you mean {PREFIX}{nearest.upper()}?")


def _boolean_words(value: str) -> str:
    words = {"yes": "true", "on": "true", "no": "false", "off": "false"}
    return words.get(value.lower(), value)


def _check_value(name: str, value: object, flag: str) -> None:
    """Check one value by itself; the sentence never repeats it, for it may be a secret."""
    try:
        msgspec.convert({name: value}, Settings, strict=False)
    except msgspec.ValidationError:
        told = flag or f"{PREFIX}{name.upper()}"
        raise SettingsError(f"{told} is wrong: it takes {_taken_by(_TYPES[name])}.") from None


def _taken_by(kind: inspect.Type) -> str:  # noqa: PLR0911 - one for each type
    """Say which values a setting of this type takes."""
    match kind:
        case inspect.BoolType():
            return "true or false (also yes and no, on and off, 1 and 0)"
        case inspect.IntType(ge=least, le=most):
            return f"a whole number from {least} to {most}"
        case inspect.FloatType(gt=None, ge=least, le=most):
            return f"a number from {least} to {most}"
        case inspect.FloatType(gt=bound, le=most):
            return f"a number above {bound}, at most {most}"
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(map(str, values))
        case inspect.LiteralType(values=values):
            return " or ".join(map(str, values))
        case _:
            return "a text"


_TYPES = {field.name: field.type for field in inspect.type_info(Settings).fields}  # type: ignore[attr-defined]


def _check(settings: Settings) -> None:
    if settings.upstream_url:
        _check_base_url(settings.upstream_url)
    _check_url("cache_url", settings.cache_url, {"memory", "redis", "rediss", "unix"})
    if settings.secret and len(settings.secret) < 16:  # noqa: PLR2004 - said in the sentence
        raise SettingsError(f"{PREFIX}SECRET is too short: take 16 characters or more.")
    if not all(map(_ORIGIN.fullmatch, settings.origins())):
        raise SettingsError(
            f"{PREFIX}CORS_ORIGINS is wrong: it takes origins, such as https://app.example,"
            " separated by commas."
        )
    if settings.cache_encryption and not settings.secret:
        raise SettingsError(f"{PREFIX}SECRET is missing: the cache is encrypted with it.")
    for name in ("jwt_keys_url", "service_token_url"):
        if url := getattr(settings, name):
            _check_url(name, url, {"http", "https"})
    for sentence in misfits(settings, settings.upstream_url, PREFIX):
        raise SettingsError(sentence)
    for name, check in _FILE_CHECKS.items():
        if path := getattr(settings, name):
            check(Path(path))


def _check_url(name: str, url: str, schemes: set[str]) -> None:
    if url.partition("://")[0].lower() not in schemes:
        wanted = " or ".join(f"{scheme}://" for scheme in sorted(schemes))
        raise SettingsError(f"{PREFIX}{name.upper()} is wrong: it starts with {wanted}.")


def _check_base_url(url: str) -> None:
    _check_url("upstream_url", url, {"http", "https"})
    wrong = f"{PREFIX}UPSTREAM_URL is wrong: "
    try:
        parts = urlsplit(url)
        usable = parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        raise SettingsError(f"{wrong}it is a base URL, with a host and no query.")
    if parts.username is not None:
        raise SettingsError(f"{wrong}it holds no user name or password.")


def _check_ca_file(path: Path) -> None:
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError):
        raise SettingsError(
            f"{PREFIX}UPSTREAM_CA_FILE is wrong: there is no file of PEM certificates at {path}."
        ) from None


def _check_api_keys(path: Path) -> None:
    wrong = f"{PREFIX}API_KEYS_FILE is wrong: "
    try:
        parse_keys(path.read_text())
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{wrong}there is no file to read at {path}.") from None
    except ValueError as error:
        raise SettingsError(
            f"{wrong}{error}; a line is a name, the key's SHA-256 and scopes."
        ) from None


def _check_trusted_documents(path: Path) -> None:
    wrong = f"{PREFIX}TRUSTED_DOCUMENTS is wrong: "
    try:
        documents_of(path.read_bytes())
    except OSError:
        raise SettingsError(f"{wrong}there is no file to read at {path}.") from None
    except NotAManifest as error:
        raise SettingsError(f"{wrong}{path} is {error}.") from None


_FILE_CHECKS = {
    "upstream_ca_file": _check_ca_file,
    "api_keys_file": _check_api_keys,
    "trusted_documents": _check_trusted_documents,
}
