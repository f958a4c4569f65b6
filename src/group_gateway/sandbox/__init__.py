"""A FHIR R4 Group server for demos and tests: the upstream of a gateway.

It shares no code with the gateway, so that a mistake in one is not hidden by the same in the other.
"""

from group_gateway.sandbox.options import SandboxOptions
from group_gateway.sandbox.quirks import FaultRule, Quirks
from group_gateway.sandbox.sandbox_app import SERVER_OPTIONS, create_app

__all__ = ["SERVER_OPTIONS", "FaultRule", "Quirks", "SandboxOptions", "create_app"]
