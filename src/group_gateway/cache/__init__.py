"""Entries that only the caller who filled them can get, dropped by writes, bounded in size."""
