"""From a GraphQL request to the data and errors of its response."""
