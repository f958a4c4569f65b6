"""The HTTP/1.1 transport to the upstream, under httpx's API."""
