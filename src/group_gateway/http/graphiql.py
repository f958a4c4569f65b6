"""GraphiQL: the page that a browser sees at the GraphQL endpoint, and the page's assets.

Everything comes from the gateway's own host: `src/graphiql` is built into the package when that is
installed, and the page's Content-Security-Policy allows no other host.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from string import Template
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from group_gateway.http.negotiation import qualities

BUILT_ASSETS: Final = Path(__file__).with_name("graphiql_assets")

# 'self' is all the page needs, except for data: images: CodeMirror's style sheet draws its error
# marks with them. Fonts are the system's, there are no workers and no inline scripts or styles.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

PAGE_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",  # in the sandbox the page carries a token
    "Vary": "Accept",  # the same address answers GraphQL requests
}

ASSET_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "public, max-age=31536000, immutable",  # a name contains its content's hash
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}

_MEDIA_TYPES: Final = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}

_PAGE: Final = Template("""\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>group-gateway</title>
    <link rel="icon" href="$assets/$icon">
    <link rel="stylesheet" href="$assets/$style">
    <script type="application/json" id="config">$config</script>
    <script type="module" src="$assets/$script"></script>
  </head>
  <body>
    <div id="graphiql"></div>
    <noscript>GraphiQL needs JavaScript.</noscript>
  </body>
</html>
""")

_NOT_BUILT: Final = """\
<!doctype html>
<title>group-gateway</title>
<p>GraphiQL has not been built in this checkout: run <code>pip install -e .</code> and restart.</p>
"""


class _Manifest(msgspec.Struct, frozen=True):
    """The build's manifest: the names of the files that the page refers to."""

    script: str
    style: str
    icon: str


@dataclass(frozen=True, slots=True)
class _Asset:
    """One file of the page in memory, plain and compressed."""

    name: str
    plain: bytes
    gzipped: bytes

    def response(self, request: Request) -> Response:
        """Return the file in a coding that the client accepts, or 304 when it has the file."""
        weights = qualities(request.headers.get("Accept-Encoding", ""))
        gzip = weights.get("gzip", weights.get("*", 0.0)) > 0
        headers = {**ASSET_HEADERS, "ETag": f'"{self.name}{".gz" if gzip else ""}"'}
        if headers["ETag"] in request.headers.get("If-None-Match", ""):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        if gzip:
            headers["Content-Encoding"] = "gzip"
        return Response(
            self.gzipped if gzip else self.plain,
            headers=headers,
            media_type=_MEDIA_TYPES[PurePosixPath(self.name).suffix],
        )


class GraphiQL:
    """GraphiQL for one GraphQL endpoint. Reads the assets when it is made.

    `endpoint` is the path of both the page and the GraphQL requests. `token` is a bearer token that
    the page starts with; it must be public, as the sandbox's is. With `subscriptions` the page
    shows an example of one. `fhir` is the URL of the HL7 interface, relative to the page's, which
    the page then offers too.
    """

    def __init__(
        self,
        endpoint: str = "/graphql",
        *,
        token: str | None = None,
        subscriptions: bool = False,
        fhir: str | None = None,
        built: Path = BUILT_ASSETS,
    ) -> None:
        self._endpoint = endpoint
        self._path = f"{endpoint}/assets"
        manifest = _read_manifest(built)
        config = {"token": token, "subscriptions": subscriptions, "fhir": fhir}
        self._assets = _read_assets(built, manifest) if manifest else {}
        self._html = _render(manifest, endpoint, config) if manifest else _NOT_BUILT

    def page(self) -> Response:
        """Return the page; 503 with the remedy if the assets were never built."""
        return Response(
            self._html,
            HTTPStatus.OK if self._assets else HTTPStatus.SERVICE_UNAVAILABLE,
            PAGE_HEADERS,
            media_type="text/html",
        )

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the assets, and of `/`, which leads to the page."""
        return [Route("/", self._show_the_way), Route(f"{self._path}/{{name}}", self._serve_asset)]

    async def _show_the_way(self, _: Request) -> Response:
        # Relative, for it may lie below a proxy's path, and the Host header is anybody's.
        return RedirectResponse(self._endpoint.removeprefix("/"), HTTPStatus.FOUND)

    async def _serve_asset(self, request: Request) -> Response:
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            return Response(status_code=HTTPStatus.NOT_FOUND)
        return asset.response(request)


def _read_manifest(built: Path) -> _Manifest | None:
    try:
        return msgspec.json.decode((built / "manifest.json").read_bytes(), type=_Manifest)
    except FileNotFoundError:
        return None


def _read_assets(built: Path, manifest: _Manifest) -> dict[str, _Asset]:
    return {
        name: _Asset(name, (built / name).read_bytes(), (built / f"{name}.gz").read_bytes())
        for name in (manifest.script, manifest.style, manifest.icon)
    }


def _render(manifest: _Manifest, endpoint: str, config: Mapping[str, object]) -> str:
    # The assets' addresses are relative to the page's, so that a proxy may add a prefix. "<" must
    # not appear inside a script element, whatever a token contains.
    return _PAGE.substitute(
        assets=f"{PurePosixPath(endpoint).name}/assets",
        config=json.dumps(config).replace("<", "\\u003c"),
        **msgspec.structs.asdict(manifest),
    )
