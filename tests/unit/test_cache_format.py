"""What releases that share a Redis must agree on."""

from group_gateway.cache.entries import Entry
from group_gateway.cache.sealed_values import ValueEncryptor, ValueSigner
from group_gateway.digests import DigestKeys
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.loading.cache_slots import CacheSlots, pack

VERSION = "3"
"""Raise it, here and in `sealed_values`, with each change of what this file shows."""
KEYS = DigestKeys(b"a secret of the tests")


def test_values_are_those_of_their_version() -> None:
    """Another release reads values of its own version only, so a change needs another version."""
    group = GroupResource(b'{"id":"1"}', "1", etag='W/"2"', date=3)
    assert (ValueSigner.format, ValueEncryptor.format) == (VERSION, f"{VERSION}e")
    assert pack(None) == b""
    assert pack(group) == b'["1","W/\\"2\\"",3]\n{"id":"1"}'
    group.may_lack_elements = True
    assert pack(group) == b'?["1","W/\\"2\\"",3]\n{"id":"1"}'
    packed = Entry(position=1, expires=2.0, value=b"value").packed()
    assert packed == bytes(15) + b"\x01" + b"\x40" + bytes(7) + b"value"
    sealed = ValueSigner(KEYS).close("place", b"value")
    assert sealed.hex() == "99573eea207638f5de0f86a9a46cb3c776616c7565"


def test_tags_never_change() -> None:
    """A release with other tags would not drop what another one has written.

    One that needs others has to invalidate everything (`*`) for the releases before it.
    """
    slots = CacheSlots(KEYS, "https://fhir.example")
    assert slots.group_tag("1") == "9b7a7f9a4f34b599cc6fe6f1a47e9942"
    assert slots.search_tag == "012783550d57cae9ced16b439f292d2e"
    name = KEYS.digest("invalidations", "https://fhir.example")
    assert name == "2f9442652925f20f12d67e6f206c7289"
