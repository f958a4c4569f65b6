"""All settings: their types, bounds and defaults, and what each is for."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from group_gateway.cache.redis.address import password_of
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

        Without a `secret` it is derived from the upstream's address and the password of the cache,
        so that it is the same in all replicas and after a restart.
        """
        text = self.secret or f"{self.upstream_url} {password_of(self.cache_url)}"
        return hashlib.blake2b(text.encode(), digest_size=32, person=b"group-gateway").digest()


SETTINGS: Mapping[str, str] = {
    "upstream_url": "Base URL of the FHIR server, such as `https://fumage-acme.canvasmedical.com`.",
    "host": "Address to listen on.",
    "port": "Port to listen on; 0 chooses a free one.",
    "uds": "Path of a Unix socket to listen on instead.",
    "uds_mode": "Permissions of that socket, in octal.",
    "admin_host": "Address of the admin port; by default the value of `HOST`.",
    "admin_port": "Separate port for `/metrics`, which `PORT` then does not serve; 0 for none.",
    "workers": "Number of worker processes of `serve`.",
    **ACCESS_SETTINGS,
    "upstream_timeout": "Seconds that one upstream call may take.",
    "upstream_connections": "Maximum number of connections to the upstream.",
    "upstream_queue": "Upstream calls that may wait for a connection; half of them for one caller.",
    "upstream_megabytes": "Maximum size of an upstream response's body, in megabytes.",
    "upstream_total_megabytes": "Maximum size of all upstream bodies in memory, in megabytes.",
    "upstream_retries": "Retries of a read when the upstream fails; 0 disables them.",
    "upstream_rest": "Cooldown of an open circuit breaker, in seconds; 0 disables the breakers.",
    "upstream_ca_file": "PEM file with the upstream's CA; default: the system's CAs.",
    "upstream_headers": "Headers to add to each upstream call: `Name: value` lines, or JSON.",
    "upstream_check": "Refuse to start `serve` while the upstream can't be reached.",
    "cache_url": "`memory://`, or the address of a shared Redis or Valkey.",
    "cache_ttl": "Seconds that a group stays in the cache; 0 disables the cache.",
    "cache_search_ttl": "Seconds that a search page stays in the cache.",
    "cache_absence_ttl": "Seconds that the absence of a group stays in the cache.",
    "cache_stale": "Seconds that an expired entry may still be served while the upstream is down.",
    "cache_entries": "Maximum number of entries in a process's memory.",
    "cache_megabytes": "Maximum size of these entries, in megabytes.",
    "cache_timeout": "Timeout of Redis commands, in seconds; the gateway then continues without.",
    "cache_encryption": "Encrypt the values in Redis; needs `SECRET`.",
    "cache_silence": "Seconds without contact to Redis after which entries in memory are not used.",
    "cache_ca_file": "PEM file with Redis' CA; default: the system's CAs.",
    "cache_certificate_file": "PEM file with a client certificate for Redis, if it requires one.",
    "cache_key_file": "PEM file with the key of that certificate.",
    "secret": "Key of cache keys and cursors, 16 characters or more; the same in all replicas.",
    "deadline": "Seconds that an operation may take in all.",
    "upstream_calls": "Maximum number of upstream calls of one operation.",
    "connections": "Maximum number of client connections of a process.",
    "keep_alive": "Seconds that an idle connection stays open.",
    "client_timeout": "Seconds that a client may take to send a request, or to read a response.",
    "operations": "Operations that a process executes at once; fewer under overload.",
    "body_bytes": "Maximum size of a request's body after decoding, in bytes.",
    "bodies_megabytes": "Maximum size of all request bodies in memory, in megabytes.",
    "opentelemetry": "Record spans and export them by OTLP, configured by the `OTEL_*` variables.",
    "log_format": "`json`, `text`, or `auto`: text on a terminal, JSON elsewhere.",
    "log_level": "Least severe level in the log: `debug`, `info`, `warning` or `error`.",
    "log_requests": "Requests that have a line in the log: `none`, `failed` or `all`.",
    "audit_file": "File to append the audit log to; without it there is no audit log.",
    "audit_required": "Refuse requests while the audit log can't be written.",
    "batch_operations": "Maximum number of operations in an array; 0 refuses arrays.",
    "subscriptions": "Offer subscriptions, over WebSockets and server-sent events.",
    "subscription_interval": "Seconds between two polls of a group with subscribers.",
    "subscriptions_open": "Maximum number of subscriptions, and of WebSockets, of a process.",
    "subscriptions_per_caller": "Maximum number of each for one caller.",
    "query_depth": "Maximum depth of fields in an operation.",
    "query_tokens": "Maximum number of tokens in a document.",
    "query_fields": "Maximum number of fields in a document, with fragments expanded.",
    "query_root_fields": "Maximum number of root fields in an operation.",
    "query_aliases": "Maximum number of aliases in an operation, with fragments expanded.",
    "query_directives": "Maximum number of directives in a document.",
    "compiled": "Run repeated queries from compiled plans; `off`: by graphql-core.",
    "cors_origins": "Allowed origins of pages, comma-separated, such as `https://app.example`.",
    "cors_headers": "Headers that such pages may send, comma-separated; default: any.",
    "trusted_proxies": "Addresses or networks of trusted proxies; `*`: all.",
    "compression": "Compress responses for clients that accept gzip, Brotli or zstd.",
    "persisted_queries": "Store documents by their hash (automatic persisted queries).",
    "trusted_documents": "File with the list of trusted documents.",
    "trusted_documents_mode": "`enforce` refuses other documents, `log` counts them, or `off`.",
    "incremental_delivery": "Support `@defer` and `@stream`, by `multipart/mixed`.",
    "router_key": "Key with which a router may request traces (`ftv1`), 16 characters or more.",
    "resolve_members": "`resource` of references: `stubs` with an id, or read from `upstream`.",
    "fhir_graphql": 'Offer HL7\'s "Using GraphQL with FHIR" at `/fhir`; on in `sandbox`.',
    "fhir_graphql_directives": "Support `@flatten`, `@first`, `@singleton` and `@slice` there.",
    "graphiql": "Serve GraphiQL to browsers.",
    "introspection": "Allow queries of the schema.",
    "doctor_token": "Bearer token for the requests of `doctor`.",
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
