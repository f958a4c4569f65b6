"""Load groups and search pages, from the cache or upstream: one call for all who wait."""
