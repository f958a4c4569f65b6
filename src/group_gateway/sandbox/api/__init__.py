"""The sandbox's endpoints: the FHIR API, the token endpoint, and the control endpoint."""
