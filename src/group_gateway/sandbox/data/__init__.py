"""The groups that the sandbox keeps, and those that it starts with."""
