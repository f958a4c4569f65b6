"""The limits of requests."""

from dataclasses import dataclass, field

from group_gateway.http.cors import CrossOriginPolicy


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What one request may take: bytes of body, seconds, upstream calls, operations in an array.

    `bodies` bounds all bodies that are received or held together, in bytes. `ready_bytes` bounds
    all ready responses. `operations` is how many are executed at once. `cross_origin` is the policy
    for other sites' pages. `subscriptions` is whether they are offered.
    """

    body: int = 4 * 1024 * 1024
    bodies: int = 128 * 1024 * 1024
    seconds: float = 20.0
    upstream_calls: int = 50
    batch: int = 0
    ready_bytes: int = 32 * 1024 * 1024
    operations: int = 500
    cross_origin: CrossOriginPolicy = field(default_factory=CrossOriginPolicy)
    subscriptions: bool = False
