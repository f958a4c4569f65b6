"""The check of an id before it becomes part of a URL."""

from typing import Final

from group_gateway.errors import BadUserInput
from group_gateway.fhir.literal_reference import is_logical_id

INVALID_ID: Final = "An id is 1 to 64 letters, digits, dashes and dots."


def checked_id(id: str) -> str:
    """Return the id; raise BadUserInput unless it is a FHIR logical id."""
    if not is_logical_id(id):
        raise BadUserInput(INVALID_ID)
    return id
