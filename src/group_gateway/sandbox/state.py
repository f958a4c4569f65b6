"""The state of a running sandbox: `app.state.sandbox`.

`create_app` builds it; handlers get it by `sandbox_of`.
"""

from typing import cast

from starlette.requests import Request

from group_gateway.sandbox.data.group_store import Store
from group_gateway.sandbox.data.seeding import open_store
from group_gateway.sandbox.fault_queue import FaultQueue
from group_gateway.sandbox.options import SandboxOptions
from group_gateway.sandbox.quirks import Quirks
from group_gateway.sandbox.recorded_requests import RequestLog
from group_gateway.sandbox.tokens import Tokens


class Sandbox:
    """The sandbox behind one app: its data, its behaviour, its tokens, and its request log."""

    def __init__(self, options: SandboxOptions) -> None:
        self.options = options
        self.requests = RequestLog()
        self.tokens = Tokens(self.now)
        self.started = options.clock()
        self._store: Store | None = None
        self.use(options.quirks)

    @property
    def quirks(self) -> Quirks:
        """The current behaviour."""
        return self._quirks

    @property
    def store(self) -> Store:
        """The groups; opened at the first use, and again after `close`."""
        if self._store is None:
            self._store = open_store(self.options)
        return self._store

    def use(self, quirks: Quirks) -> None:
        """Change the behaviour; the counts of fault rules restart."""
        self._quirks = quirks
        self.faults = FaultQueue(quirks.faults)

    def now(self) -> float:
        """Return the time of the server's clock, with its skew."""
        return self.options.clock() + self.quirks.clock_skew_s

    def reset(self) -> None:
        """Return to the start: data, behaviour, tokens and log."""
        self.use(self.options.quirks)
        self.tokens.reset()
        self.requests.clear()
        self.store.clear()
        self.close()

    def close(self) -> None:
        """Close the database; data in memory is gone."""
        if self._store is not None:
            self._store.close()
            self._store = None


def sandbox_of(request: Request) -> Sandbox:
    """Return the sandbox that serves a request."""
    return cast("Sandbox", request.app.state.sandbox)
