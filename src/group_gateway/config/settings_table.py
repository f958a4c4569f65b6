"""All settings: their types, bounds and defaults, and what each is for."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from group_gateway.http.origins import AllowedOrigins
from group_gateway.identity.identity_settings import ACCESS_SETTINGS, AccessSettings

PREFIX = "GROUP_GATEWAY_"
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]


class Settings(AccessSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings, checked. `SETTINGS` describes each."""

    upstream_url: str = ""
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8000
    uds: str = ""
    uds_mode: Annotated[str, Meta(pattern="^0?[0-7]{3}$")] = "660"
    admin_host: str = ""
    admin_port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    upstream_timeout: Annotated[float, Meta(gt=0, le=600)] = 10.0
    upstream_connections: Annotated[int, Meta(ge=1, le=10_000)] = 100
    upstream_queue: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    upstream_megabytes: Annotated[int, Meta(ge=1, le=10_000)] = 64
    upstream_total_megabytes: Annotated[int, Meta(ge=1, le=100_000)] = 256
    upstream_retries: Annotated[int, Meta(ge=0, le=10)] = 2
    upstream_rest: Annotated[float, Meta(ge=0, le=600)] = 2.0
    upstream_ca_file: str = ""
    upstream_headers: str = ""
    upstream_check: bool = True
    cache_url: str = "memory://"
    cache_ttl: Seconds = 30.0
    cache_search_ttl: Seconds = 10.0
    cache_absence_ttl: Seconds = 5.0
    cache_stale: Seconds = 0.0
    cache_entries: Count = 20_000
    cache_megabytes: Annotated[int, Meta(ge=1, le=100_000)] = 64
    cache_timeout: Annotated[float, Meta(gt=0, le=60)] = 0.2
    cache_encryption: bool = False
    cache_silence: Annotated[float, Meta(ge=0.05, le=60)] = 0.5
    cache_ca_file: str = ""
    cache_certificate_file: str = ""
    cache_key_file: str = ""
    secret: str = ""
    deadline: Annotated[float, Meta(gt=0, le=600)] = 20.0
    upstream_calls: Count = 50
    connections: Count = 800
    keep_alive: Annotated[float, Meta(ge=1, le=3600)] = 75.0
    client_timeout: Annotated[float, Meta(gt=0, le=3600)] = 30.0
    operations: Count = 500
    body_bytes: Count = 4 * 1024 * 1024
    bodies_megabytes: Annotated[int, Meta(ge=16, le=100_000)] = 128
    opentelemetry: bool = False
    log_format: Literal["auto", "json", "text"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_requests: Literal["none", "failed", "all"] = "failed"
    audit_file: str = ""
    audit_required: bool = True
    batch_operations: Annotated[int, Meta(ge=0, le=1000)] = 0
    subscriptions: bool = False
    subscription_interval: Annotated[float, Meta(ge=1, le=86_400)] = 15.0
    subscriptions_open: Annotated[int, Meta(ge=1, le=100_000)] = 400
    subscriptions_per_caller: Annotated[int, Meta(ge=1, le=100_000)] = 50
    query_depth: Count = 15
    query_tokens: Count = 5_000
    query_fields: Count = 2_000
    query_root_fields: Count = 200
    query_aliases: Count = 500
    query_directives: Count = 100
    compiled: bool = True
    cors_origins: str = ""
    cors_headers: str = ""
    trusted_proxies: str = ""
    compression: bool = True
    persisted_queries: bool = True
    trusted_documents: str = ""
    trusted_documents_mode: Literal["off", "log", "enforce"] = "enforce"
    incremental_delivery: bool = False
    router_key: str = ""
    resolve_members: Literal["stubs", "upstream"] = "stubs"
    fhir_graphql: bool = False
    fhir_graphql_directives: bool = False
    graphiql: bool = True
    introspection: bool = True
    doctor_token: str = ""

    def origins(self) -> AllowedOrigins:
        """Return the origins whose pages may send requests; raise NotAnOrigin."""
        return AllowedOrigins.of(self.cors_origins)

    def key(self) -> bytes:
        """Return the key for scopes, cache keys and cursors.

        Without a `secret` it is derived from the addresses of upstream and cache, so that it is the
        same in all replicas and after a restart.
        """
        text = self.secret or f"{self.upstream_url} {self.cache_url}"
        return hashlib.blake2b(text.encode(), digest_size=32, person=b"group-gateway").digest()


SETTINGS: Mapping[str, str] = {
    "upstream_url": "Base URL of the FHIR server, such as `https://fumage-acme.canvasmedical.com`.",
    "host": "Address to listen on.",
    "port": "Port to listen on; 0 takes any free one.",
    "uds": "Path of a Unix socket to listen on instead.",
    "uds_mode": "Permissions of that socket, in octal.",
    "admin_host": "Address of the admin port; without it that of `HOST`.",
    "admin_port": "Port of its own for `/metrics`, which the other one then has not; 0 for none.",
    "workers": "Processes that `serve` serves with.",
    **ACCESS_SETTINGS,
    "upstream_timeout": "Seconds that one upstream call may take.",
    "upstream_connections": "Connections to the upstream at the same time.",
    "upstream_queue": "Upstream calls that may wait for a connection, half of them one caller's.",
    "upstream_megabytes": "Megabytes that the body of an upstream answer may have.",
    "upstream_total_megabytes": "Megabytes that all answers that arrive or are held may have.",
    "upstream_retries": "Times that a read is tried again when the upstream fails; 0 for never.",
    "upstream_rest": "Seconds that a failing upstream is left alone; 0 for never.",
    "upstream_ca_file": "PEM file with the CA of the upstream's certificate; else the system's.",
    "upstream_headers": "Headers to add to each upstream call: `Name: value` lines, or JSON.",
    "upstream_check": "`serve` does not start while the upstream can't be reached.",
    "cache_url": "`memory://`, or the address of a Redis or Valkey to share it.",
    "cache_ttl": "Seconds that a group is served from the cache; 0 switches the cache off.",
    "cache_search_ttl": "Seconds that a search page is served from the cache.",
    "cache_absence_ttl": "Seconds that a group's absence is.",
    "cache_stale": "Seconds past its time that an entry is served while the upstream is down.",
    "cache_entries": "Entries that a process keeps in memory.",
    "cache_megabytes": "Megabytes that they take at most.",
    "cache_timeout": "Seconds that Redis may take before the gateway goes on without it.",
    "cache_encryption": "Encrypt what is kept in Redis; needs a secret.",
    "cache_silence": "Seconds without word from Redis after which nothing in memory is believed.",
    "cache_ca_file": "PEM file with the CA of Redis' certificate; else the system's.",
    "cache_certificate_file": "PEM file with the certificate to show to Redis, if it wants one.",
    "cache_key_file": "PEM file with the key of that certificate.",
    "secret": "Key of cache keys and cursors, 16 characters or more; the same in all replicas.",
    "deadline": "Seconds that an operation may take in all.",
    "upstream_calls": "Upstream calls that one operation may cause.",
    "connections": "Connections of clients that a process takes at the same time.",
    "keep_alive": "Seconds that a connection stays open which nobody uses.",
    "client_timeout": "Seconds that a client may take to send a request, or to take an answer.",
    "operations": "Operations that a process executes at once; fewer while it can't keep up.",
    "body_bytes": "Bytes that a request body may have.",
    "bodies_megabytes": "Megabytes that all request bodies that arrive or are held may have.",
    "opentelemetry": "Record spans and export them by OTLP, as the `OTEL_*` variables say.",
    "log_format": "`json`, `text`, or `auto`: text on a terminal, JSON elsewhere.",
    "log_level": "The least severe lines that the log has: `debug`, `info`, `warning` or `error`.",
    "log_requests": "Requests that have a line in the log: `none`, `failed` or `all`.",
    "audit_file": "File to append the audit log to; there is none without it.",
    "audit_required": "Answer nothing while the audit log can't be written.",
    "batch_operations": "Operations that an array in one request may hold; 0 takes no arrays.",
    "subscriptions": "Offer subscriptions, over WebSockets and server-sent events.",
    "subscription_interval": "Seconds between two looks at a group that somebody subscribed to.",
    "subscriptions_open": "Subscriptions, and WebSockets, that a process has open at once.",
    "subscriptions_per_caller": "Of these, one caller's.",
    "query_depth": "Levels of fields that an operation may have.",
    "query_tokens": "Tokens that a document may have.",
    "query_fields": "Fields that a document may have, its fragments expanded.",
    "query_root_fields": "Root fields that an operation may have.",
    "query_aliases": "Aliases that an operation may have, its fragments expanded.",
    "query_directives": "Directives that a document may have.",
    "compiled": "Run repeated queries from compiled plans; off executes all by graphql-core.",
    "cors_origins": "Origins whose pages may ask, such as `https://app.example`, by commas.",
    "cors_headers": "Headers that such pages may send, by commas; without it any.",
    "trusted_proxies": "Addresses or networks of proxies whose `Forwarded` headers count; `*` all.",
    "compression": "Compress answers for clients that take zstd, Brotli or gzip.",
    "persisted_queries": "Learn documents by their hash (automatic persisted queries).",
    "trusted_documents": "File with the documents that clients were built with.",
    "trusted_documents_mode": "`enforce` executes no others, `log` counts them, or `off`.",
    "incremental_delivery": "Take `@defer` and `@stream`, and answer in parts who takes parts.",
    "router_key": "Key that a router sends to be given traces (`ftv1`), 16 characters or more.",
    "resolve_members": "What `resource` of a reference is: `stubs` by id, or read: `upstream`.",
    "fhir_graphql": 'Offer HL7\'s "Using GraphQL with FHIR" at `/fhir`; on in `sandbox`.',
    "fhir_graphql_directives": "Take `@flatten`, `@first`, `@singleton` and `@slice` there.",
    "graphiql": "Show GraphiQL to browsers.",
    "introspection": "Answer questions about the schema.",
    "doctor_token": "Bearer token that `doctor` asks the upstream with.",
}
"""What each setting is for, as the reference of settings has it."""
SECRETS = frozenset(
    {
        "cache_url",
        "doctor_token",
        "router_key",
        "secret",
        "service_client_secret",
        "upstream_headers",
    }
)
"""Settings that are never shown. A file may hold them: `<NAME>_FILE` names it."""
