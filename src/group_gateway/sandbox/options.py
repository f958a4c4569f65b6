"""The sandbox's options, for the command line and for tests."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from group_gateway.sandbox.quirks import Quirks


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxOptions:
    """How a sandbox starts. The defaults need nothing and leave nothing behind."""

    database: str = ":memory:"
    """Path of the SQLite file. In memory, each app has its own data."""
    seed: bool = True
    """Fill an empty database with the groups below."""
    person_groups: int = 240
    """How many ordinary patient groups to generate."""
    teams: int = 20
    """How many practitioner teams to generate."""
    medium_members: int = 1_000
    """Members of `MEDIUM_GROUP_ID`."""
    large_members: int = 10_000
    """Members of `LARGE_GROUP_ID`."""
    control: bool = True
    """Offer `/sandbox/…`, through which quirks are set and requests are seen."""
    quirks: Quirks = field(default_factory=Quirks)
    """How it behaves at first."""
    clock: Callable[[], float] = time.time
    """The server's clock, in seconds since 1970."""
