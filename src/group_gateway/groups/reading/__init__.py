"""Reads of groups by id, in batches, and searches, page by page, on upstreams of any ability."""
