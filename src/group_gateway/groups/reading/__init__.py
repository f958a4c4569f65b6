"""Reads: groups by id, in batches, and searches, page by page, over whatever an upstream can do."""
