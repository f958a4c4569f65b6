"""FHIR R4 as values: ids, references, resources, Bundles, outcomes. No I/O."""
