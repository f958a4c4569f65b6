"""A GraphQL gateway in front of a FHIR R4 Group REST API."""

from importlib.metadata import version

__version__ = version("group-gateway")
