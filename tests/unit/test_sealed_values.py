"""A sealed value can be opened only where it belongs, and unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from group_gateway.cache.sealed_values import ValueEncryptor, ValueSigner
from group_gateway.digests import DigestKeys

KINDS = pytest.mark.parametrize("kind", [ValueSigner, ValueEncryptor])


def _signer(kind: type[ValueSigner], secret: bytes = b"s" * 32) -> ValueSigner:
    return kind(DigestKeys(secret))


@KINDS
@given(value=st.binary())
def test_a_value_comes_back(kind: type[ValueSigner], value: bytes) -> None:
    """Any bytes do, none included."""
    assert _signer(kind).open("place", _signer(kind).close("place", value)) == value


@KINDS
@given(data=st.binary(max_size=200))
def test_foreign_bytes_do_not_open(kind: type[ValueSigner], data: bytes) -> None:
    """Only our own seals are accepted."""
    assert _signer(kind).open("place", data) is None


@KINDS
@given(value=st.binary(min_size=1), data=st.data())
def test_a_changed_value_does_not_open(
    kind: type[ValueSigner], value: bytes, data: st.DataObject
) -> None:
    """One bit is enough, and so is a missing end."""
    sealed = _signer(kind).close("place", value)
    at = data.draw(st.integers(0, len(sealed) - 1))
    flipped = bytes(byte ^ (i == at) for i, byte in enumerate(sealed))
    assert _signer(kind).open("place", flipped) is None
    assert _signer(kind).open("place", sealed[:at]) is None


@KINDS
def test_a_value_opens_only_in_its_place_and_under_its_key(
    kind: type[ValueSigner],
) -> None:
    """A writer to the store can't move an entry from one caller to another."""
    sealed = _signer(kind).close("place", b"value")
    assert _signer(kind).open("other", sealed) is None
    assert _signer(kind, secret=b"t" * 32).open("place", sealed) is None


def test_the_two_kinds_do_not_open_each_other() -> None:
    """A deployment that begins to encrypt accepts no value without encryption."""
    assert (
        _signer(ValueEncryptor).open("place", _signer(ValueSigner).close("place", b"value")) is None
    )
    assert (
        _signer(ValueSigner).open("place", _signer(ValueEncryptor).close("place", b"value")) is None
    )


def test_a_cipher_hides_the_value() -> None:
    """Nothing of it can be read, and the same value never looks the same twice."""
    value = b"Patient/1 " * 20
    one, two = (_signer(ValueEncryptor).close("place", value) for _ in range(2))
    assert value[:8] not in one
    assert one != two
