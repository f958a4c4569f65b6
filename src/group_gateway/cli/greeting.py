"""What `group-gateway sandbox` prints for a newcomer, and how it opens a browser."""

import asyncio
import shlex
import webbrowser
from json import dumps

from group_gateway import __version__
from group_gateway.sandbox.wellknown import OTHER_TOKEN, READ_TOKEN, TEAM_ID, TOKEN
from group_gateway.server.uvicorn_server import print_line

_QUERY = f'{{ group(id: "{TEAM_ID}") {{ name member {{ entity {{ display }} }} }} }}'


def greet(endpoint: str, upstream: str, *, token: str | None, graphiql: bool) -> None:
    """Print the addresses, the tokens, and what to try.

    The first two lines are for programs too: the endpoint, and the FHIR server.
    """
    accepted = f" (bearer token: {token})" if token else ""
    print_line(f"{'GraphiQL' if graphiql else 'group-gateway'} is at {endpoint}{accepted}")
    print_line(f"The sandbox's FHIR server is at {upstream}")
    print_line("\n".join(["", *_hints(endpoint, upstream, token, graphiql=graphiql), ""]))


def _hints(endpoint: str, upstream: str, token: str | None, *, graphiql: bool) -> list[str]:
    lines = [f"group-gateway {__version__}, with sample groups. Ctrl-C ends it.", ""]
    if graphiql:
        lines.append(f"  Open    {endpoint} in a browser: each tab is an example that runs")
    if token:
        lines += [
            f"  Tokens  {TOKEN} may do everything, {READ_TOKEN} may only read,",
            f"          {OTHER_TOKEN} sees half of the groups",
            f"  Try     {_curl(endpoint, token)}",
        ]
    slow = shlex.quote(dumps({"latency_ms": 2000}))
    return [
        *lines,
        "  Break   make the FHIR server slow, or fail (docs/sandbox.md has more):",
        f"          curl -X PUT {upstream}/sandbox/quirks -d {slow}",
    ]


def _curl(endpoint: str, token: str) -> str:
    headers = (f"Authorization: Bearer {token}", "Content-Type: application/json")
    flags = " ".join(f"-H {shlex.quote(header)}" for header in headers)
    return f"curl {endpoint} {flags} -d {shlex.quote(dumps({'query': _QUERY}))}"


async def open_browser(url: str) -> None:
    """Open a page in the user's browser. Print a sentence if there is none."""
    if not await asyncio.to_thread(webbrowser.open, url):
        print_line(f"No browser could be opened. Open {url} in one.")
