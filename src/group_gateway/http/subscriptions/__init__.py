"""Answers that come one by one: subscriptions, over WebSockets and server-sent events."""
