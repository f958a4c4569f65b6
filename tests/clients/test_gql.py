"""Python's `gql`, which reads the schema from the gateway and checks operations against it."""

from pathlib import Path
from typing import Any

import pytest
from gql import Client, GraphQLRequest
from gql.client import SyncClientSession
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXTransport
from gql.transport.websockets import WebsocketsTransport
from graphql import GraphQLError

from group_gateway.sandbox.wellknown import TEST_GROUP_ID

OPERATIONS = (Path(__file__).parent / "operations.graphql").read_text()
CHANGES = """
subscription ($id: ID!, $since: String) { groupChanged(id: $id, sinceVersion: $since) { name } }
"""
PATIENCE = 60


def client(url: str, token: str = "sandbox") -> Client:
    """Build a client with the rights of a token; it introspects when it connects."""
    headers = {"authorization": f"Bearer {token}"}
    transport = HTTPXTransport(url=url, headers=headers, timeout=PATIENCE)
    return Client(transport=transport, fetch_schema_from_transport=True)


def ask(session: SyncClientSession, operation: str, **variables: Any) -> dict[str, Any]:
    """Execute one of the app's operations."""
    request = GraphQLRequest(OPERATIONS, operation_name=operation, variable_values=variables)
    return session.execute(request)


def update(session: SyncClientSession, **changes: Any) -> Any:
    """Change the test group."""
    return ask(session, "UpdateGroup", input={"id": TEST_GROUP_ID, **changes})["updateGroup"]


def test_reads_pages_and_writes(url: str) -> None:
    """It reads a group, pages through the teams to the end, and writes."""
    with client(url) as session:
        assert ask(session, "ReadGroup", id=TEST_GROUP_ID)["group"]["name"] == "Test Group"
        names, page = [], {"hasNextPage": True, "endCursor": None}
        while page["hasNextPage"]:
            after = page["endCursor"]
            found = ask(
                session, "ListGroups", filter={"type": "PRACTITIONER"}, first=8, after=after
            )
            names += [edge["node"]["name"] for edge in found["groups"]["edges"]]
            page = found["groups"]["pageInfo"]
        assert len(set(names)) == found["groups"]["totalCount"] == 20
        assert update(session, name="Kidney clinic")["group"]["name"] == "Kidney clinic"


def test_a_conflict_is_data(url: str) -> None:
    """A write of what a colleague changed comes back with an issue, and the group as it is."""
    with client(url) as session:
        version = ask(session, "ReadGroup", id=TEST_GROUP_ID)["group"]["version"]
        update(session, name="By a colleague")
        late = update(session, name="Too late", ifVersion=version)
        assert late["group"]["name"] == "By a colleague"
        assert [issue["code"] for issue in late["issues"]] == ["conflict"]


def test_errors_have_their_codes(url: str) -> None:
    """An error of the gateway is one of `gql`, with its code; a wrong field never leaves it."""
    with client(url, token="wrong") as session:
        with pytest.raises(TransportQueryError) as caught:
            ask(session, "ReadGroup", id=TEST_GROUP_ID)
        assert caught.value.errors is not None
        assert caught.value.errors[0]["extensions"]["code"] == "UNAUTHENTICATED"
        with pytest.raises(GraphQLError, match="Cannot query field 'noSuchField'"):
            session.execute(GraphQLRequest('{ group(id: "1") { noSuchField } }'))


async def test_hears_of_changes(url: str) -> None:
    """It subscribes over a WebSocket, and receives a change made over the same, and an error."""
    socket = WebsocketsTransport(
        url=url.replace("http", "ws", 1),
        init_payload={"Authorization": "Bearer sandbox"},
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
    )
    async with Client(transport=socket) as session:
        variables = {"id": TEST_GROUP_ID, "since": "long ago"}
        changes = session.subscribe(GraphQLRequest(CHANGES, variable_values=variables))
        assert (await anext(changes))["groupChanged"]["name"] == "Test Group"
        change = {"input": {"id": TEST_GROUP_ID, "name": "Heard"}}
        update = GraphQLRequest(OPERATIONS, operation_name="UpdateGroup", variable_values=change)
        await session.execute(update)
        assert (await anext(changes))["groupChanged"]["name"] == "Heard"
        await changes.aclose()
        wrong = session.subscribe(GraphQLRequest(CHANGES, variable_values={"id": "no id"}))
        with pytest.raises(TransportQueryError) as caught:
            await anext(wrong)
        assert caught.value.errors is not None
        assert caught.value.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"
