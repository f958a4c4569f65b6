"""Fixtures of the sandbox's tests: an app in this process and a client that speaks to it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from group_gateway.sandbox import Quirks, SandboxOptions, create_app

if TYPE_CHECKING:
    from group_gateway.sandbox.state import Sandbox

Start = Callable[..., "SandboxClient"]


class SandboxClient(httpx.AsyncClient):
    """An httpx client with all rights on a sandbox of its own, whose inside is `state`."""

    def __init__(self, options: SandboxOptions) -> None:
        app = create_app(options)
        super().__init__(
            transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
            base_url="https://fumage.test",
            headers={"Authorization": "Bearer sandbox"},
        )
        self.state: Sandbox = app.state.sandbox

    async def refused(self, method: str, url: str, **request: Any) -> tuple[int, list[str]]:
        """Send a request that is refused: return the status, and the issues as `code: text`."""
        answer = await self.request(method, url, **request)
        outcome = answer.json()
        assert answer.headers["content-type"] == "application/fhir+json"
        assert outcome["resourceType"] == "OperationOutcome"
        assert {issue["severity"] for issue in outcome["issue"]} == {"error"}
        return answer.status_code, [
            f"{issue['code']}: {issue['details']['text']}" for issue in outcome["issue"]
        ]

    async def created(self, **elements: Any) -> str:
        """Create a patient group, changed as given; return its id."""
        body = {"resourceType": "Group", "type": "person", "actual": True, "name": "Made"}
        answer = await self.post("/Group", json=body | elements)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"].rpartition("/")[2]

    async def group(self, identity: str) -> dict[str, Any]:
        """Read a group that exists."""
        answer = await self.get(f"/Group/{identity}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def put_group(self, group: dict[str, Any], **headers: str) -> httpx.Response:
        """Update a group to be as given."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.put(f"/Group/{group['id']}", json=group, headers=names)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        """Read the clock."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands at 2027-01-15T08:00:00Z."""
    return Clock()


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Yield a function that starts a sandbox with quirks and options, and connects to it."""
    async with AsyncExitStack() as clients:

        def run(quirks: Quirks | None = None, **options: Any) -> SandboxClient:
            client = SandboxClient(SandboxOptions(quirks=quirks or Quirks(), **options))
            clients.push_async_callback(client.aclose)
            return client

        yield run


@pytest.fixture
def client(start: Start) -> SandboxClient:
    """Return a client of a sandbox as it starts by default."""
    return start()
