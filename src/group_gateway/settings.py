"""The settings: `GROUP_GATEWAY_*` variables, a `.env` file, and flags. The only reader of both.

`cli` reads them; `app` obeys them. An unknown setting is an error with the nearest known name.
"""

import difflib
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from dotenv import dotenv_values
from msgspec import Meta

PREFIX = "GROUP_GATEWAY_"
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]


class SettingsError(ValueError):
    """A setting is unknown or wrong; the text is one sentence for whoever set it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings, checked. `SETTINGS` says what each is for."""

    upstream_url: str = ""
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8000
    allow_anonymous: bool = False
    upstream_timeout: Annotated[float, Meta(gt=0, le=600)] = 10.0
    upstream_connections: Annotated[int, Meta(ge=1, le=10_000)] = 100
    upstream_ca_file: str = ""
    cache_url: str = "memory://"
    cache_ttl: Seconds = 30.0
    cache_search_ttl: Seconds = 10.0
    cache_absence_ttl: Seconds = 5.0
    cache_entries: Count = 20_000
    cache_megabytes: Annotated[int, Meta(ge=1, le=100_000)] = 64
    secret: str = ""
    deadline: Annotated[float, Meta(gt=0, le=600)] = 20.0
    upstream_calls: Count = 50
    body_bytes: Count = 4 * 1024 * 1024
    query_depth: Count = 15
    query_tokens: Count = 10_000
    graphiql: bool = True
    introspection: bool = True

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
    "port": "Port to listen on.",
    "allow_anonymous": "Pass requests without a token on to the upstream, for an open one.",
    "upstream_timeout": "Seconds that one upstream call may take.",
    "upstream_connections": "Connections to the upstream at the same time.",
    "upstream_ca_file": "PEM file with the CA of the upstream's certificate; else the system's.",
    "cache_url": "`memory://`, or `redis://…` (`rediss://…`, `unix://…`) to share it.",
    "cache_ttl": "Seconds that a group is served from the cache; 0 switches the cache off.",
    "cache_search_ttl": "Seconds that a search page is served from the cache.",
    "cache_absence_ttl": "Seconds that a group's absence is.",
    "cache_entries": "Entries that the memory cache holds at most.",
    "cache_megabytes": "Megabytes that the memory cache holds at most.",
    "secret": "Key of cache keys and cursors, 16 characters or more; the same in all replicas.",
    "deadline": "Seconds that an operation may take in all.",
    "upstream_calls": "Upstream calls that one operation may cause.",
    "body_bytes": "Bytes that a request body may have.",
    "query_depth": "Levels of fields that an operation may have.",
    "query_tokens": "Tokens that a document may have.",
    "graphiql": "Show GraphiQL to browsers.",
    "introspection": "Answer questions about the schema.",
}
"""What each setting is for, as the README's table says it."""


def read_settings(
    environment: Mapping[str, str], flags: Mapping[str, Any], *, dotenv: Path | None = None
) -> Settings:
    """Read the settings: flags before variables before the `.env` file. Raises SettingsError."""
    from_file = dotenv_values(dotenv) if dotenv is not None and dotenv.is_file() else {}
    raw: dict[str, Any] = {}
    for name, value in {**from_file, **environment}.items():
        if name.startswith(PREFIX) and value is not None:
            raw[_known(name)] = _boolean_words(value.strip())
    raw.update({name: value for name, value in flags.items() if value is not None})
    try:
        settings = msgspec.convert(raw, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(_readable(str(error))) from None
    _check(settings)
    return settings


def _known(variable: str) -> str:
    name = variable.removeprefix(PREFIX).lower()
    if name in SETTINGS:
        return name
    nearest = difflib.get_close_matches(name, SETTINGS, n=1, cutoff=0)[0]
    raise SettingsError(f"There is no setting {variable}; did you mean {PREFIX}{nearest.upper()}?")


def _boolean_words(value: str) -> str:
    words = {"yes": "true", "on": "true", "no": "false", "off": "false"}
    return words.get(value.lower(), value)


def _readable(message: str) -> str:
    """Turn msgspec's "Expected `int` - at `$.port`" into a sentence about a variable."""
    problem, found, path = message.partition(" - at `$.")
    if not found:
        return message
    return f"{PREFIX}{path.rstrip('`').upper()} is wrong: {problem[:1].lower()}{problem[1:]}."


def _check(settings: Settings) -> None:
    if settings.upstream_url:
        _check_url("upstream_url", settings.upstream_url, {"http", "https"})
    _check_url("cache_url", settings.cache_url, {"memory", "redis", "rediss", "unix"})
    if settings.secret and len(settings.secret) < 16:  # noqa: PLR2004 - said in the sentence
        raise SettingsError(f"{PREFIX}SECRET is too short: take 16 characters or more.")
    if settings.upstream_ca_file and not Path(settings.upstream_ca_file).is_file():
        raise SettingsError(f"{PREFIX}UPSTREAM_CA_FILE names no file.")


def _check_url(name: str, url: str, schemes: set[str]) -> None:
    variable = f"{PREFIX}{name.upper()}"
    parts = urlsplit(url)
    if parts.scheme not in schemes:
        wanted = " or ".join(f"{scheme}://" for scheme in sorted(schemes))
        raise SettingsError(f"{variable} is wrong: it starts with {wanted}.")
    if parts.scheme in {"http", "https"} and (not parts.hostname or parts.query or parts.fragment):
        raise SettingsError(f"{variable} is wrong: it is a base URL, with a host and no query.")
