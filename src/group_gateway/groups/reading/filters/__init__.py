"""What groups are searched by: filters, FHIR's search parameters and sort keys. Pure."""
