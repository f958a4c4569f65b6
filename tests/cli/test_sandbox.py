"""`group-gateway sandbox` as a newcomer meets it: one command, GraphiQL, queries, Ctrl-C."""

import signal
import socket
from pathlib import Path

import pytest

from cli.commands import ask, run, serving
from cli.failing import Failing
from group_gateway.sandbox.wellknown import TEST_GROUP_ID, TOKEN

ANY_PORT = ("--port", "0")
AUTHORIZED = {"authorization": f"Bearer {TOKEN}"}


def name_of(url: str, id: str = TEST_GROUP_ID) -> str:
    """Ask a gateway for the name of a group."""
    query = {"query": "query ($id: ID!) { group(id: $id) { name } }", "variables": {"id": id}}
    answer = ask("POST", f"{url}/graphql", json=query, headers=AUTHORIZED)
    return str(answer.json()["data"]["group"]["name"])


def test_serves_graphiql_and_answers() -> None:
    """The first line has the address of GraphiQL, where GraphiQL and queries work."""
    with serving("sandbox", *ANY_PORT) as server:
        assert server.line == f"GraphiQL is at {server.url}/graphql (bearer token: {TOKEN})\n"
        page = ask("GET", f"{server.url}/graphql", headers={"accept": "text/html"})
        assert page.headers["content-type"].startswith("text/html")
        assert name_of(server.url) == "Test Group"
        assert ask("GET", f"{server.url}/readyz").status_code == 200


def test_names_no_token_that_is_not_taken() -> None:
    """Where the gateway knows its callers itself, neither line nor page names the FHIR server's."""
    settings = {"callers": "anybody", "service_client_id": "sandbox"}
    secret = {"service_client_secret": "sandbox-secret"}
    with serving("sandbox", *ANY_PORT, **settings, **secret) as server:
        assert server.line == f"GraphiQL is at {server.url}/graphql\n"
        page = ask("GET", f"{server.url}/graphql", headers={"accept": "text/html"})
        assert '"token": null' in page.text


def test_tells_of_no_graphiql_that_is_off() -> None:
    """Without GraphiQL the first line has the gateway's address."""
    with serving("sandbox", *ANY_PORT, graphiql="off") as server:
        assert server.line == (
            f"group-gateway is at {server.url}/graphql (bearer token: {TOKEN})\n"
        )


def test_upstream_is_served_beside() -> None:
    """The second line has the FHIR server's address."""
    with serving("sandbox", *ANY_PORT) as server:
        assert server.process.stdout is not None
        line = server.process.stdout.readline()
        url = line.removeprefix("The sandbox's FHIR server is at ").strip()
        group = ask("GET", f"{url}/Group/{TEST_GROUP_ID}", headers=AUTHORIZED).json()
        assert group["name"] == "Test Group"


@pytest.mark.parametrize(
    ("by", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "Ctrl-C"]
)
@pytest.mark.parametrize("flags", [(), ("--upstream-only",)], ids=["both", "upstream only"])
def test_ends_quietly(flags: tuple[str, ...], by: signal.Signals, status: int) -> None:
    """A signal ends it without any output on stderr."""
    with serving("sandbox", *ANY_PORT, *flags) as server:
        assert ask("GET", f"{server.url}/livez").status_code in {200, 404}
        ended = server.end(by)
        assert (ended.status, ended.err) == (status, "")


def test_upstream_alone() -> None:
    """`--upstream-only` serves the FHIR server at the port, and no gateway."""
    with serving("sandbox", "--upstream-only", *ANY_PORT) as server:
        assert server.line == (
            f"The sandbox's FHIR server is at {server.url} (bearer token: {TOKEN})\n"
        )
        statement = ask("GET", f"{server.url}/metadata").json()
        assert statement["resourceType"] == "CapabilityStatement"


def test_upstream_alone_at_its_own_port() -> None:
    """`--upstream-port` chooses the port of the FHIR server, also where that is served alone."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    with serving("sandbox", "--upstream-only", "--upstream-port", port) as server:
        assert server.url == f"http://127.0.0.1:{port}"
        assert ask("GET", f"{server.url}/metadata").status_code == 200
        told = run("sandbox", "--upstream-only", "--upstream-port", port).sentence
        assert told.endswith("Choose another with --upstream-port.")


def test_database_outlives_the_command(tmp_path: Path) -> None:
    """With `--database`, written groups are present at the next start."""
    flags = ("sandbox", *ANY_PORT, "--database", str(tmp_path / "groups.db"))
    create = 'mutation { createGroup(input: {name: "Kept", type: PERSON}) { group { id } } }'
    with serving(*flags) as server:
        answer = ask("POST", f"{server.url}/graphql", json={"query": create}, headers=AUTHORIZED)
        id = answer.json()["data"]["createGroup"]["group"]["id"]
        assert server.end().status == 0
    with serving(*flags) as server:
        assert name_of(server.url, id) == "Kept"


def test_database_that_is_none(tmp_path: Path, failing: Failing) -> None:
    """A file that can't be the database is one sentence, before anything is served."""
    file = tmp_path / "groups.db"
    file.write_text("A text, and no database. " * 100)
    sentence = failing("sandbox", *ANY_PORT, "--database", str(file))
    assert sentence == f"can't keep groups in {file}: file is not a database."
    nowhere = tmp_path / "nowhere" / "groups.db"
    sentence = failing("sandbox", *ANY_PORT, "--database", str(nowhere))
    assert sentence == f"can't keep groups in {nowhere}: unable to open database file."


def test_busy_port() -> None:
    """A port that is taken is one sentence, which names the flag for another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = f"can't listen on 127.0.0.1 port {port}: address already in use."
        assert run("sandbox", "--port", port).sentence == f"{told} Choose another with --port."
        sentence = run("sandbox", *ANY_PORT, "--upstream-port", port).sentence
        assert sentence == f"{told} Choose another with --upstream-port."


def test_unknown_host(failing: Failing) -> None:
    """An address that this machine does not have is one sentence."""
    sentence = failing("sandbox", *ANY_PORT, "--host", "no-such-host.invalid")
    assert sentence.startswith("can't listen on no-such-host.invalid port 0: ")
    assert sentence.endswith(". Choose another with --host.")


def test_no_foreign_upstream(failing: Failing) -> None:
    """It refuses to start if the settings name another upstream."""
    sentence = failing("sandbox", upstream_url="http://127.0.0.1")
    assert sentence == (
        "sandbox brings its own upstream: unset GROUP_GATEWAY_UPSTREAM_URL, or use serve."
    )
