"""Whether a body is a valid Group. Pure: from FHIR's types to the upstream's own rules."""
