"""Subscriptions over WebSockets and server-sent events."""
