"""The ASGI edge: HTTP in, HTTP out."""
