"""Texts compared without regard to case and accents."""

import unicodedata
from typing import Final

_MARK: Final = "Mn"
_MOST_KEPT: Final = 0x10000
"""Characters from here on are computed each time: they are rare, and too many to keep."""


class _Plain(dict[int, str]):
    """The letters of each character without its marks (Unicode NFKD), computed on first use."""

    def __missing__(self, code: int) -> str:
        letters = unicodedata.normalize("NFKD", chr(code))
        plain = "".join(c for c in letters if unicodedata.category(c) != _MARK)
        if code < _MOST_KEPT:
            self[code] = plain
        return plain


_PLAIN: Final = _Plain()


def fold(text: str) -> str:
    """Return a text without case and accents: `Équipe` and `EQUIPE` become equal.

    Characters are normalized one by one, in linear time: `unicodedata.normalize` of the whole text
    sorts successive marks in quadratic time (32,000 of them take two seconds).
    """
    if text.isascii():
        return text.lower()
    return text.casefold().translate(_PLAIN).casefold()
