"""Authentication: from a credential to a Caller or an Anonymous, one module for each mode."""
