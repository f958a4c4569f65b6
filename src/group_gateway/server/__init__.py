"""A serving process: sockets, workers, graceful shutdown, bounded HTTP/1.1 and WebSockets."""
