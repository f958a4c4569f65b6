"""What replicas share: a Redis or Valkey, alone, behind Sentinel, or as a cluster."""
