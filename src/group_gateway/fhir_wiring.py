"""Builds the HL7 interface, where the settings switch it on."""

from starlette.routing import BaseRoute

from group_gateway.config import Settings
from group_gateway.fhir_graphql.fhir_engine import FhirEngine
from group_gateway.fhir_graphql.fhir_schema import fhir_schemas
from group_gateway.http.compression import Compression
from group_gateway.http.fhir_endpoint import FhirEndpoint, fhir_routes
from group_gateway.http.fhir_pipeline import FhirPipeline
from group_gateway.http.pipeline import RequestPipeline
from group_gateway.http.request_limits import RequestLimits
from group_gateway.wiring import Core, build_document_limits


def build_fhir_routes(
    settings: Settings,
    core: Core,
    pipeline: RequestPipeline,
    limits: RequestLimits,
    compression: Compression,
) -> list[BaseRoute]:
    """Return the routes of the interface; its requests share room and log with `pipeline`'s."""
    if not settings.fhir_graphql:
        return []
    directives = settings.fhir_graphql_directives
    engine = FhirEngine(
        fhir_schemas(directives=directives),
        core.services,
        build_document_limits(settings),
        directives=directives,
        compiled=settings.compiled,
        tracing=core.tracing,
    )
    fhir = pipeline.beside(FhirPipeline, engine)
    return fhir_routes(FhirEndpoint(fhir, core.authenticator, limits, compression))
