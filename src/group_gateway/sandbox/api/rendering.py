"""From a stored group to its response: the stored text itself, unless versions are shown."""

from datetime import UTC, datetime
from email.utils import formatdate

from group_gateway.sandbox import codec
from group_gateway.sandbox.data.records import Row
from group_gateway.sandbox.quirks import Quirks


def text_of(row: Row, quirks: Quirks) -> bytes:
    """Return a group's JSON; with quirk `etag` its `meta` has version and time."""
    if not quirks.etag:
        return row.body
    fields = codec.fields(row.body)
    meta = codec.decode(fields.pop("meta", b"{}"))
    meta |= {"versionId": str(row.version), "lastUpdated": last_updated(row)}
    head = {name: fields.pop(name) for name in ("resourceType", "id")}
    return codec.encode(head | {"meta": meta} | fields)


def last_updated(row: Row) -> str:
    """Return the instant of a group's last change, in milliseconds."""
    moment = datetime.fromtimestamp(row.modified_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def version_headers(row: Row, quirks: Quirks) -> dict[str, str]:
    """Return the headers with a group's version, if this server has any."""
    if not quirks.etag:
        return {}
    modified = formatdate(row.modified_ms // 1000, usegmt=True)
    return {"ETag": f'W/"{row.version}"', "Last-Modified": modified}
