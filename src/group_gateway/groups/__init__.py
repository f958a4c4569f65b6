"""The use cases: read groups in batches, page through searches, change groups safely."""
