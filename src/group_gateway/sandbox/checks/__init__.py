"""Whether a body is a Group: pure, from FHIR's types up to the house's rules."""
