"""A process that serves: sockets, workers, shutdown, bounded HTTP/1.1 and WebSockets."""
