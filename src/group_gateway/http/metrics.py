"""`/metrics`: what a process counts and times, in Prometheus' text format."""

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from group_gateway.observability.telemetry import Telemetry


def metrics_route(telemetry: Telemetry) -> Route:
    """Give the route. With several workers each answers for itself."""
    registry = CollectorRegistry()
    registry.register(telemetry)
    ProcessCollector(registry=registry)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return Route("/metrics", metrics)
