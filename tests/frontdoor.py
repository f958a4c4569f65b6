"""How tests ask a gateway: GraphQL over HTTP, as any client does."""

from dataclasses import dataclass
from typing import Any

import httpx


@dataclass
class Gateway:
    """A running gateway, and how to ask it."""

    http: httpx.AsyncClient

    async def __call__(self, query: str, *, token: str = "sandbox", **variables: Any) -> Any:
        """Send a GraphQL request and give the decoded answer."""
        response = await self.http.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {token}"},
        )
        assert response.status_code == 200, response.text
        return response.json()

    async def data(self, query: str, *, token: str = "sandbox", **variables: Any) -> Any:
        """Send a GraphQL request that must succeed, and give its data."""
        answer = await self(query, token=token, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]
