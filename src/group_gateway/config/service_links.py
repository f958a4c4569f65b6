"""Detect the variables that Kubernetes sets for each Service of a namespace.

A Service named `group-gateway`, or one whose name starts with it, gives every container variables
such as `GROUP_GATEWAY_SERVICE_HOST` and `GROUP_GATEWAY_PORT=tcp://10.0.0.1:8000` (Kubernetes,
"Accessing the Service: environment variables"). They are not settings of the gateway.
"""

import re

_NAMES = re.compile(r".*SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|.*PORT_\d+_(TCP|UDP|SCTP)(_[A-Z]+)?")
_ADDRESS = re.compile(r"(tcp|udp|sctp)://\S+", re.IGNORECASE)


def is_service_link(variable: str, value: str) -> bool:
    """Return whether a variable describes a Service instead of a setting."""
    if variable.endswith("PORT") and _ADDRESS.fullmatch(value.strip()):
        return True
    return _NAMES.fullmatch(variable) is not None
