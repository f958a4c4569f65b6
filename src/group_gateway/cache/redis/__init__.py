"""The cache that replicas share: Redis or Valkey, alone, behind Sentinel, or as a cluster."""
