"""The reference pages are what the code says: `.ci/reference` writes them."""

import pytest

from reference_pages import errors, limits
from reference_pages.__main__ import FOLDER, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_up_to_date(name: str) -> None:
    """Each page is what `.ci/reference` would write now."""
    assert (FOLDER / name).read_text() == PAGES[name]()


def test_every_code_is_explained() -> None:
    """The page of errors has every code of the gateway's, and no other."""
    assert sorted(errors.TEXTS) == sorted(errors.codes())


def test_limits_are_refused_with_codes_that_there_are() -> None:
    """The page of limits names no code that there is not."""
    named = {word for *_, refused in limits.ROWS for word in refused.split("`")[1::2]}
    assert named <= set(errors.codes())
