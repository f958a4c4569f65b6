"""Runs the project's own sandbox upstream by itself: `python tests/upstreams/sandbox_server.py`."""

from serving import serve

if __name__ == "__main__":
    # The sandbox's clock writes its own Date header.
    serve("group_gateway.sandbox:create_app", date_header=False)
