"""Circuit breakers and retries for calls of the upstream."""
