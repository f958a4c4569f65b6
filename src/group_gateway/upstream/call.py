"""The parameters of one upstream call."""

from typing import Literal

import msgspec

Kind = Literal["read", "search", "write", "metadata"]
Fields = tuple[tuple[str, str], ...]
"""Header fields: names and values."""


class Call(msgspec.Struct, frozen=True):
    """A request to the upstream, and the caller's scope."""

    kind: Kind
    method: str
    path: str
    scope: str
    headers: Fields
    body: bytes | None = None

    def __repr__(self) -> str:
        return f"<{self.kind} call>"  # neither a token nor a body may reach a traceback

    @property
    def identity(self) -> int:
        """Identifies the request for the circuit breaker; creates differ by their body."""
        return hash((self.path, self.body) if self.method == "POST" else self.path)
