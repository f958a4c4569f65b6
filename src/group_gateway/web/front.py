"""The outermost ASGI layer: a POST to the GraphQL endpoint goes straight there.

Everything else, and the lifespan, goes to the Starlette application.
"""

from typing import Any

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from group_gateway.web.endpoint import Endpoint

ENDPOINT_PATH = "/graphql"


class Front(Starlette):
    """The gateway's application: Starlette with a short way for GraphQL requests."""

    def __init__(self, endpoint: Endpoint, **options: Any) -> None:
        super().__init__(**options)
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection (ASGI)."""
        if scope["type"] == "http" and scope["path"] == ENDPOINT_PATH and scope["method"] == "POST":
            await self._endpoint.post(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
