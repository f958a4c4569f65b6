"""GraphQL over HTTP: the ASGI application's requests and responses."""
