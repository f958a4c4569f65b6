"""Texts compared without regard to case and accents."""

import unicodedata

_MARK = "Mn"


def fold(text: str) -> str:
    """Return a text without case and accents: `Équipe` and `EQUIPE` become equal."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if unicodedata.category(c) != _MARK).casefold()
