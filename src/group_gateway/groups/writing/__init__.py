"""Writes: safe changes over an API that only replaces whole resources."""
