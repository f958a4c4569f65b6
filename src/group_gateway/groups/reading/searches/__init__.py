"""Search an upstream: which parameters it is sent, and what is filtered here instead."""
