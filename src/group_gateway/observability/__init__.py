"""Metrics, logs and audit records of what the gateway does."""
