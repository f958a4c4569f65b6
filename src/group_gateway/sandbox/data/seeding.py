"""Fill a new database with the seed document's groups and the generated set.

Databases in memory start from an image that is made once per process and set of sizes, so that an
app costs a test next to nothing.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from group_gateway.sandbox.data.document import seed_groups
from group_gateway.sandbox.data.generated import Sizes, generated_groups
from group_gateway.sandbox.data.group_store import Store
from group_gateway.sandbox.data.resource import draft_of, finished
from group_gateway.sandbox.options import SandboxOptions

# Generated groups were last changed long ago: 1 January 2025.
_SEEDED_MS: Final = 1_735_689_600_000


def open_store(options: SandboxOptions) -> Store:
    """Open the database that the options name; fill an empty one if they say so."""
    store = Store(options.database)
    if options.database == ":memory:":
        store.connection.deserialize(_image(_sizes(options)))
        return store
    store.prepare()
    with store.writing():
        if store.empty():
            _fill(store, _sizes(options))
    return store


def _sizes(options: SandboxOptions) -> Sizes | None:
    if not options.seed:
        return None
    return Sizes(
        person_groups=options.person_groups,
        teams=options.teams,
        medium_members=options.medium_members,
        large_members=options.large_members,
    )


@lru_cache(maxsize=8)
def _image(sizes: Sizes | None) -> bytes:
    store = Store(":memory:")
    store.prepare()
    with store.writing():
        _fill(store, sizes)
    image = store.connection.serialize()
    store.close()
    return image


def _fill(store: Store, sizes: Sizes | None) -> None:
    for group in _groups(sizes):
        store.insert(draft_of(finished(group, group["id"])), _SEEDED_MS)


def _groups(sizes: Sizes | None) -> Iterator[dict[str, Any]]:
    if sizes is not None:
        yield from seed_groups()
        yield from generated_groups(sizes)
