"""The groups that the sandbox stores, and its initial ones."""
