"""Fields of inputs, and arguments, that a client may omit."""

from typing import Any, TypeVar

import strawberry

Value = TypeVar("Value")


def optional(description: str) -> Any:
    """Make the field of an input that may be omitted, or null."""
    return strawberry.field(default=strawberry.UNSET, description=description)


def is_given(value: object) -> bool:
    """Return whether an optional field or argument holds a value."""
    return value is not None and value is not strawberry.UNSET


def given(value: Value | None) -> Value | None:
    """Return the value of an optional field or argument; None when it was omitted."""
    return None if value is strawberry.UNSET else value
