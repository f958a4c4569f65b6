"""Everything that a GraphQL client can see, as Strawberry types. The only schema definition."""
