"""Relay connections, and the sources of groups that they page through."""
