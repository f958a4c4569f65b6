"""`/metrics`: the counters and histograms of all workers, in Prometheus' text format."""

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from group_gateway.http.gateway_app import METRICS_PATH
from group_gateway.observability.worker_group import WorkerGroup


def metrics_route(workers: WorkerGroup) -> Route:
    """Return the route."""

    async def metrics(_: Request) -> Response:
        return Response(await workers.exposition(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return Route(METRICS_PATH, metrics)
