"""Texts compared without regard to case and accents."""

import unicodedata
from typing import Final

_MARK: Final = "Mn"
_MOST_KEPT: Final = 0x10000
"""Characters above it are rare, and too many to keep."""


class _Plain(dict[int, str]):
    """The letters of each character without its marks (Unicode NFKD), made when first needed."""

    def __missing__(self, code: int) -> str:
        letters = unicodedata.normalize("NFKD", chr(code))
        plain = "".join(c for c in letters if unicodedata.category(c) != _MARK)
        if code < _MOST_KEPT:
            self[code] = plain
        return plain


_PLAIN: Final = _Plain()


def fold(text: str) -> str:
    """Return a text without case and accents: `Équipe` and `EQUIPE` become equal.

    The time grows with the text. To normalize the whole text would sort the marks that follow each
    other: 8,000 of them take a seventh of a second, and 32,000 two seconds.
    """
    if text.isascii():
        return text.lower()
    return text.casefold().translate(_PLAIN).casefold()
