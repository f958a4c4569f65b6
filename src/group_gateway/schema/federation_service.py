"""Federation's `_service`: the schema as SDL.

Printing it takes longer than most queries, so it is done once in a process.
"""

from functools import cache
from typing import Any

import strawberry

from group_gateway.schema.context import Info


@strawberry.type(name="_Service")
class Service:
    """Federation's _Service."""

    sdl: str


def service(info: Info) -> Service:
    """Return the schema's SDL."""
    return _service(info.schema)


@cache
def _service(schema: Any) -> Service:
    return Service(sdl=schema.as_str())
