"""A sealed value can be opened only where it belongs, unchanged, and in its epoch."""

from hypothesis import given
from hypothesis import strategies as st

from group_gateway.cache.keys import KeyRing
from group_gateway.cache.seal import Seal


def _seal(secret: bytes = b"s" * 32, epoch: str = "one") -> Seal:
    seal = Seal(KeyRing(secret))
    seal.epoch = epoch
    return seal


@given(st.binary())
def test_a_value_comes_back(value: bytes) -> None:
    """Any bytes do, none included."""
    assert _seal().open("place", _seal().close("place", value)) == value


@given(st.binary(max_size=200))
def test_foreign_bytes_do_not_open(data: bytes) -> None:
    """Nothing but a seal of ours is believed."""
    assert _seal().open("place", data) is None


@given(st.binary(min_size=1), st.data())
def test_a_changed_value_does_not_open(value: bytes, data: st.DataObject) -> None:
    """One bit is enough, and so is a missing end."""
    sealed = _seal().close("place", value)
    at = data.draw(st.integers(0, len(sealed) - 1))
    flipped = bytes(byte ^ (i == at) for i, byte in enumerate(sealed))
    assert _seal().open("place", flipped) is None
    assert _seal().open("place", sealed[:at]) is None


def test_a_value_opens_only_in_its_place_and_epoch_and_under_its_key() -> None:
    """Whoever can write to the store can't move an entry from one caller to another."""
    sealed = _seal().close("place", b"value")
    assert _seal().open("other", sealed) is None
    assert _seal(epoch="two").open("place", sealed) is None
    assert _seal(secret=b"t" * 32).open("place", sealed) is None
