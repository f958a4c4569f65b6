"""What the upstream supports: as its CapabilityStatement declares and its responses show."""
