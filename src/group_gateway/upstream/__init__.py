"""FHIR over HTTP: the only package that talks to the upstream."""
