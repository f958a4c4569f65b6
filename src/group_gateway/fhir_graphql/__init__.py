"""The HL7 interface, "Using GraphQL with FHIR": a second schema over the same use cases."""
