"""Requests whose heads are checked before anything is done with them."""

from httptools import HttpParserError

from group_gateway.http.requests import RequestRefused
from group_gateway.server.pipelining import PipeliningProtocol
from group_gateway.server.request_head import DECISIVE, Header, expects_continue, head_fault


class CheckedHeadProtocol(PipeliningProtocol):
    """HTTP/1.1 that begins no request whose head is not acceptable."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self._in_headers = False
        self._decisive: tuple[Header, ...] = ()
        self._version = ""

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header. Discard trailers (RFC 9110, section 6.5.1), which nobody bounds."""
        if self._in_headers:
            header = (name.lower(), value)
            self.headers.append(header)
            if header[0] in DECISIVE:
                self._decisive += (header,)

    def on_headers_complete(self) -> None:
        """Begin the request, unless its head is refused: the parser hands that on."""
        version = self._version = self.parser.get_http_version()
        decisive, self._decisive = self._decisive, ()
        fault = head_fault(version, decisive)
        if fault is not None:
            status, message = fault
            raise RequestRefused(message, status)
        if len(decisive) > 1:
            self.expect_100_continue = expects_continue(version, decisive)
        self._accept_head()

    def _accept_head(self) -> None:
        """Begin the request."""
        self._in_headers = False
        super().on_headers_complete()

    def _refuse_malformed(self, error: HttpParserError) -> None:
        refused = error.__context__
        if not isinstance(refused, RequestRefused):
            refused = RequestRefused("Invalid HTTP request received.")
        self._refuse(refused)

    def _refuse(self, refused: RequestRefused) -> None:
        """Send a refusal without the application, and close."""
        raise NotImplementedError
