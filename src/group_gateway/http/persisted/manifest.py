"""Manifests of trusted documents, in the formats that build tools write. Pure."""

from typing import Any

import msgspec

APOLLO_FORMAT = "apollo-persisted-query-manifest"


_HASH_SCHEME = "sha256:"


class NotAManifest(ValueError):
    """A file is not a manifest of documents."""


class _Operation(msgspec.Struct, frozen=True):
    id: str
    body: str


class _ApolloManifest(msgspec.Struct, frozen=True):
    format: str
    version: int
    operations: list[_Operation]


def documents_of(manifest: bytes) -> dict[str, str]:
    """Return the text of each document by its bare id; raise NotAManifest.

    Supported are Apollo's manifest, version 1, and the JSON object from ids to texts that both
    relay-compiler (`persistConfig`) and graphql-codegen (`persistedDocuments`) write.
    """
    try:
        content: Any = msgspec.json.decode(manifest)
        if isinstance(content, dict) and "format" in content:
            documents = _of_apollo(msgspec.convert(content, _ApolloManifest))
        else:
            documents = msgspec.convert(content, dict[str, str])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotAManifest("neither Apollo's format nor an object of texts") from error
    return {bare_id(id): text for id, text in documents.items()}


def bare_id(id: str) -> str:
    """Return an id without the hash scheme (`sha256:`) that some tools put before it."""
    return id.removeprefix(_HASH_SCHEME)


def _of_apollo(manifest: _ApolloManifest) -> dict[str, str]:
    if (manifest.format, manifest.version) != (APOLLO_FORMAT, 1):
        raise NotAManifest("a format or version of Apollo's that is not known")
    return {operation.id: operation.body for operation in manifest.operations}
