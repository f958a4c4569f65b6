"""Measures the gateway, and the other GraphQL gateways beside it. See README.md."""
