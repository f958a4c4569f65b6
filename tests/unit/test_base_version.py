"""The precondition of a PUT, by what the upstream offers to distinguish versions."""

import pytest

from group_gateway.errors import UpstreamInvalidResponse
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.writing.base_version import BaseVersion


def base_version(etag: str | None, version: object, second: int | None = 1000) -> BaseVersion:
    """Return the basis that a read with this tag and this version is."""
    meta = b'"meta":{"versionId":%s},' % str(version).encode() if version else b""
    raw = b'{"resourceType":"Group",' + meta + b'"id":"1"}'
    return BaseVersion.of(GroupResource(raw, "1", etag=etag), second)


@pytest.mark.parametrize(
    ("etag", "version", "exact"),
    [
        ('W/"3"', '"3"', True),
        ('"3"', '"3"', True),
        ('W/"5f2b"', '"3"', False),
        ('W/"5f2b"', None, False),
        ('W/"3"', "3", True),
        (None, '"3"', False),
        (None, "3", False),
        (None, None, False),
    ],
)
def test_only_a_versions_tag_is_exact(etag, version, exact):
    """A tag is trusted alone when it is the version's; else the clock counts too."""
    found = base_version(etag, version)
    assert found.is_exact is exact
    clock = {} if exact else {"if-unmodified-since": "Thu, 01 Jan 1970 00:16:39 GMT"}
    best = etag or (version and 'W/"3"')
    tag = {"if-match": best} if best else {}
    assert dict(found.precondition().headers()) == tag | clock


@pytest.mark.parametrize(
    ("written", "holds"), [(None, True), (999, True), (1000, False), (1001, False)]
)
def test_a_state_of_the_second_of_a_write(written, holds):
    """By the clock, a state read in the second of a write can't be distinguished from it."""
    assert base_version(None, None).follows(written) is holds
    assert base_version('W/"3"', '"3"').follows(written)
    assert base_version(None, None, second=None).follows(written)


def test_a_state_that_nothing_tells_apart():
    """Without a clock and a tag nothing guards a PUT."""
    assert not base_version(None, None, second=None).is_guarded
    assert base_version(None, None, second=None).precondition().headers() == ()
    assert base_version('"x"', None, second=None).is_guarded
    assert base_version(None, None).is_guarded


def test_a_group_that_can_not_be_read():
    """Nothing is written on top of what can't be decoded."""
    with pytest.raises(UpstreamInvalidResponse):
        BaseVersion.of(GroupResource(b'{"resourceType":"Group","id":"1","name":"\xff"}', "1"))
