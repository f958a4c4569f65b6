"""Requests whose heads are checked before anything is done with them."""

from httptools import HttpParserError

from group_gateway.http.requests import RequestRefused
from group_gateway.server.pipelining import PipeliningProtocol
from group_gateway.server.request_head import DECISIVE, Header, head_fault


class CheckedHeadProtocol(PipeliningProtocol):
    """HTTP/1.1 that begins no request whose head is not acceptable."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self._in_headers = False
        self._decisive: list[Header] = []

    def on_message_begin(self) -> None:
        """Start to read a head."""
        self._in_headers = True
        self._decisive.clear()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header. Discard trailers (RFC 9110, section 6.5.1), which nobody bounds."""
        if not self._in_headers:
            return
        name = name.lower()
        if name in DECISIVE:
            self._decisive.append((name, value))
        elif name == b"expect":  # HTTP/1.0 has no expectations (RFC 9110, section 10.1.1)
            continues = value.lower() == b"100-continue"
            self.expect_100_continue = continues and self.parser.get_http_version() != "1.0"
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Begin the request, unless its head is refused: the parser hands that on."""
        fault = head_fault(self.parser.get_http_version(), tuple(self._decisive))
        if fault is not None:
            status, message = fault
            raise RequestRefused(message, status)
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
