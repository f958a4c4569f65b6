"""Texts of other programs, as logs may show them."""

from typing import Final

_LONGEST: Final = 64


def log_text(said: str, longest: int = _LONGEST) -> str:
    """Return a text bounded, and escaped to printable ASCII."""
    escaped = said[:longest].encode("unicode_escape").decode("ascii")
    return escaped[:longest]
