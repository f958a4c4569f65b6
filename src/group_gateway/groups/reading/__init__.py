"""Reads of groups: by id, in batches, and searches, page by page, on upstreams of any ability.

The modules of this folder are what others call. The packages below serve them, in this order:
`connections`, `searches`, `loading`, `pages`, then `capabilities` and `filters`.
"""
