"""The command of another release, as far as those who share its Redis can tell.

usage: python other_release.py added-field | other-tags | other-values ARGUMENTS...
"""

import sys

from group_gateway.cache import sealed_values
from group_gateway.cache.redis import invalidation_stream
from group_gateway.cache.redis.stream_entry import APPEND
from group_gateway.cli import main

WRITTEN = {
    "added-field": ("'l', life,", "'v', '9', 'l', life, 'by', 'another release',"),
    "other-tags": ("'t', ARGV[4]", "'tags', ARGV[4]"),
    "other-values": ("", ""),
}
"""How it writes an invalidation: what stands in the script, and what it has instead."""


def become(release: str) -> None:
    """Change the formats of this process."""
    sealed_values._PERSON = b"another release"  # noqa: SLF001 - it stands for other code
    sealed_values.ValueSigner.format = "9"
    vars(invalidation_stream)["APPEND"] = APPEND.replace(*WRITTEN[release])


if __name__ == "__main__":
    become(sys.argv.pop(1))
    sys.exit(main())
