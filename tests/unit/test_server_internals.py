"""What the server package relies on inside uvicorn: a release that changes it fails here first."""

import inspect
import re

import pytest
from uvicorn import Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.supervisors.multiprocess import Multiprocess, Process

INTERNALS = {
    HttpToolsProtocol: """
        _get_upgrade _should_upgrade _start_asgi_task _unset_keepalive_if_required app connections
        cycle expect_100_continue flow handle_websocket_upgrade headers loop on_body
        on_headers_complete on_message_begin on_message_complete on_response_complete parser
        pause_writing pipeline resume_writing scope server server_state
        timeout_keep_alive_handler timeout_keep_alive_task transport url
        access_log access_logger logger on_message_begin
    """,
    WebSocketsSansIOProtocol: """
        close_sent close_timeout close_timer conn frames handle_bytes handle_parser_exception
        handle_pong handshake_complete handshake_initiated keepalive_timeout loop pause_writing
        queue read_paused receive resume_writing send send_receive_event_to_app shutdown transport
        writable
    """,
    Server: "capture_signals config lifespan server_state servers shutdown startup",
    Multiprocess: """
        config handle_int processes processes_num should_exit signal_queue sockets terminate_all
    """,
    Process: "always_pong config parent_conn",
}


@pytest.mark.parametrize("base", INTERNALS, ids=lambda base: base.__name__)
def test_what_is_subclassed_is_as_it_was(base: type) -> None:
    """Each attribute that a subclass of ours uses is still one of uvicorn's own."""
    own = set(dir(base)) | set(re.findall(r"self\.(\w+)", inspect.getsource(base)))
    assert set(INTERNALS[base].split()) - own == set()
