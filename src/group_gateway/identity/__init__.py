"""Who asks: from a credential to a Caller or a Stranger. A module for each way to know callers."""
