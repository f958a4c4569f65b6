"""The result of an operation, and its encoding as a response map."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from group_gateway.operation import Operation

_encode = msgspec.json.Encoder().encode


class OperationResult(msgspec.Struct, frozen=True):
    """The response to a GraphQL request.

    `executed` is false when the request failed before execution: it then has no `data`.
    `was_accepted`: a credential that is refused now was accepted before.
    """

    executed: bool
    data: Any
    errors: list[dict[str, Any]]
    was_accepted: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether there is data and no error."""
        return self.executed and not self.errors

    @property
    def codes(self) -> set[str]:
        """The codes of the errors."""
        return {error["extensions"]["code"] for error in self.errors}

    def body(self, extensions: Mapping[str, Any] | None = None) -> bytes:
        """Return the encoded response map (GraphQL specification, section 7.1)."""
        if type(self.data) is msgspec.Raw and not (self.errors or extensions):
            return b"".join((b'{"data":', self.data, b"}"))
        body: dict[str, Any] = {}
        if self.errors:
            body["errors"] = self.errors
        if self.executed:
            body["data"] = self.data
        if extensions:
            body["extensions"] = extensions
        return _encode(body)


@dataclass(frozen=True, slots=True)
class Event:
    """A result of a subscription, and the operation that produced it.

    One that was not executed is the last.
    """

    answer: OperationResult
    operation: Operation
