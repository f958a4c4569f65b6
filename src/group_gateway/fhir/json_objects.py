"""The JSON objects of an element that may repeat."""

from collections.abc import Iterator
from typing import Any


def objects_of(value: object) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list, or the one that stands in its place; skip everything else.

    Servers send a single object where FHIR wants a list, and other values among the objects.
    """
    for item in value if isinstance(value, list) else (value,):
        if isinstance(item, dict):
            yield item
