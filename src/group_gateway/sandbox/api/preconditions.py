"""`If-Match` and `If-Unmodified-Since`: the preconditions of an update."""

from email.utils import parsedate_to_datetime

from starlette.datastructures import Headers

from group_gateway.sandbox.data.records import Row
from group_gateway.sandbox.outcome import refuse
from group_gateway.sandbox.quirks import Quirks


def check_preconditions(headers: Headers, row: Row, quirks: Quirks) -> None:
    """Raise `Refusal` 412 when the group has changed, 400 for an invalid precondition.

    `If-Match` takes precedence over a date (RFC 9110, section 13.2.2). A server without versions
    ignores it.
    """
    match = headers.get("if-match") if quirks.etag else None
    if match is not None:
        if not _matches(match, row):
            raise refuse(412, "Resource updated since If-Match version")
        return
    date = headers.get("if-unmodified-since")
    if date is not None and row.modified_ms // 1000 > _seconds(date):
        raise refuse(412, "Resource updated since If-Unmodified-Since date")


def _matches(header: str, row: Row) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return header.strip() == "*" or f'"{row.version}"' in tags


def _seconds(date: str) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError as error:
        text = "header -> If-Unmodified-Since — Input should be an HTTP date"
        raise refuse(400, text, "value") from error
    if moment.tzinfo is None or not date.endswith("GMT"):
        raise refuse(400, "header -> If-Unmodified-Since — Input should be in GMT", "value")
    return moment.timestamp()
