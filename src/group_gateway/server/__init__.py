"""A process that serves: sockets, workers, graceful shutdown, bounded HTTP/1.1 and WebSocket protocols."""
