"""Pages of a search: how an upstream links and numbers them, and which are kept parsed."""
