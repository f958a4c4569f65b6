"""Text from other programs, made safe for logs."""

from typing import Final

_LONGEST: Final = 64


def log_text(said: str, longest: int = _LONGEST) -> str:
    """Return a text of bounded length, escaped to printable ASCII."""
    escaped = said[:longest].encode("unicode_escape").decode("ascii")
    return escaped[:longest]
