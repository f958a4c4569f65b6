"""What each step of a request costs, measured alone in this process. Used by `own`.

The upstream is nginx on the other core, so of an exchange only the gateway's own part counts.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import httpx
import uvloop
from graphql import DocumentNode, GraphQLObjectType, OperationDefinitionNode

from bench.inprocess import InProcess, cpu_us, groups_known, opened
from bench.system import SERVER_CORE
from bench.workloads import Workload
from group_gateway.cache.entries import Slot
from group_gateway.cache.local_store import local_store
from group_gateway.events import NO_EVENTS
from group_gateway.execution.compiled_plans import OperationPlans, Planning
from group_gateway.execution.compiler import compile_fields
from group_gateway.execution.document_limits import DocumentLimits
from group_gateway.execution.documents import Documents
from group_gateway.execution.graphql_request import GraphQLRequest
from group_gateway.execution.plan_fallbacks import PlanFallbacks
from group_gateway.execution.selection import Selection, variable_values
from group_gateway.fhir.bundle import parse_searchset
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.page_link import PageLink
from group_gateway.http.requests import request_of_body
from group_gateway.schema.context import Context
from group_gateway.upstream.call import Call
from group_gateway.upstream.http_exchange import http_exchange
from group_gateway.upstream.transport.httpx_transport import UpstreamTransport

Stages = dict[str, dict[str, float]]
"""CPU microseconds by stage and workload."""
Work = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class _Subject:
    """One workload, with all that a stage begins with: `raw` is what the upstream answers."""

    gateway: InProcess
    asked: GraphQLRequest
    context: Context
    workload: Workload
    raw: bytes
    groups: list[GroupResource]

    @classmethod
    async def of(cls, gateway: InProcess, workload: Workload, raw: bytes) -> "_Subject":
        asked = request_of_body(workload.bodies[0])
        context = gateway.context()
        await gateway.executed(asked, context)
        return cls(gateway, asked, context, workload, raw, await groups_known(context))

    @property
    def operation(self) -> tuple[DocumentNode, OperationDefinitionNode]:
        """The document, and the operation in it."""
        document = self.gateway.document(self.asked)
        operation = document.operation(self.asked.operation_name)
        if document.node is None or operation is None:
            raise RuntimeError("The workload has no operation.")
        return document.node, operation


def _request(subject: _Subject) -> Work:
    body = subject.workload.bodies[0]
    return lambda: request_of_body(body)


def _document(subject: _Subject) -> Work:
    forgetful = Documents(subject.gateway.planning.schema, DocumentLimits(), max_bytes=0)
    return lambda: forgetful.get(subject.asked.query)


def _plan(subject: _Subject) -> Work:
    planning = subject.gateway.planning
    node, operation = subject.operation
    root = cast("GraphQLObjectType", planning.schema.query_type)
    selection = Selection(planning.schema, node, operation, variable_values({}))

    def compile_anew() -> None:
        OperationPlans(planning, node, operation)
        compile_fields(root, selection.root_fields(root), selection)

    return compile_anew


def _lookup(subject: _Subject) -> Work:
    entries = range(subject.workload.entries)
    share = subject.raw[: len(subject.raw) // len(entries)]
    cache = local_store(max_entries=1000, max_bytes=2**26, max_ttl=3600)
    slots = [Slot(f"key {n}", f"tag {n}") for n in entries]

    async def look_up() -> None:
        found = await cache.lookup(slots)
        missed = [(s, one, share) for s, one in zip(slots, found, strict=True) if not one.value]
        if missed:  # the first time only
            await cache.put(missed, 3600)

    return look_up


def _read(subject: _Subject) -> Work:
    if _is_page(subject.raw):
        return lambda: parse_searchset(subject.raw, PageLink(()))
    return lambda: GroupResource.parse(subject.raw)


def _is_page(raw: bytes) -> bool:
    return b'"Bundle"' in raw[:100]


def _compiled(subject: _Subject) -> Work:
    planning = Planning(subject.gateway.planning.schema, PlanFallbacks(NO_EVENTS.plan_fallback))
    plans = OperationPlans(planning, *subject.operation)
    inputs = subject.asked.variables or {}

    async def answer() -> None:
        if await plans.run(subject.context, inputs) is None:
            raise RuntimeError(f"{subject.workload.name} is not answered by a plan.")

    return answer


def _interpreted(subject: _Subject) -> Work:
    def execute() -> Any:
        for group in subject.groups:
            vars(group).pop("elements", None)  # decoded anew, as for a new request
        return subject.gateway.executed(subject.asked, subject.context)

    return execute


REQUEST = "request: its body taken apart"
EXCHANGE = "upstream: one exchange over HTTP"
READ = "upstream's answer: checked, split into groups"
ANSWER = "answer by a plan: decoded, selected, encoded"
REST = "the rest of a cold POST: loading, sharing, budget"
COLD = "a cold POST in all, without HTTP"
_PARTS: Mapping[str, Callable[[_Subject], Work]] = {
    REQUEST: _request,
    "document: parsed, limited, validated (new ones)": _document,
    "plan: compiled (at the first use)": _plan,
    "cache: looked up": _lookup,
    READ: _read,
    ANSWER: _compiled,
    "the same answer by graphql-core": _interpreted,
}
_WHOLE: Mapping[str, dict[str, Any]] = {
    COLD: {"cache_ttl": 0},
    "the same by graphql-core": {"cache_ttl": 0, "compiled": False},
    "a warm POST in all, without HTTP (a ready answer)": {
        "cache_ttl": 3600,
        "cache_search_ttl": 3600,
    },
}
EDGE = "HTTP: uvicorn, constant bytes of that size"


def measure_stages(upstream_url: str, workloads: Sequence[Workload], seconds: float) -> Stages:
    """Measure every stage of every workload, for `seconds` each."""
    os.sched_setaffinity(0, {SERVER_CORE})
    answers = {w.name: httpx.get(upstream_url + w.path).content for w in workloads}
    return with_rest(uvloop.run(_measure(upstream_url, workloads, answers, seconds)))


def with_rest(stages: Stages) -> Stages:
    """Add what a cold POST costs beyond the parts that were measured alone."""
    parts = (REQUEST, EXCHANGE, READ, ANSWER)
    rest = {
        name: max(0.0, whole - sum(stages[part][name] for part in parts))
        for name, whole in stages[COLD].items()
    }
    titles = list(stages)
    titles.insert(titles.index(COLD), REST)
    return {title: {**stages, REST: rest}[title] for title in titles}


async def _measure(
    upstream_url: str,
    workloads: Sequence[Workload],
    answers: Mapping[str, bytes],
    seconds: float,
) -> Stages:
    stages: Stages = {}
    async with opened(upstream_url, cache_ttl=0) as cold:
        for workload in workloads:
            subject = await _Subject.of(cold, workload, answers[workload.name])
            for title, prepare in _PARTS.items():
                cost = await cpu_us(prepare(subject), seconds)
                stages.setdefault(title, {})[workload.name] = cost
    stages[EXCHANGE] = await _call_sender(upstream_url, workloads, seconds)
    for title, settings in _WHOLE.items():
        async with opened(upstream_url, **settings) as gateway:
            stages[title] = {
                workload.name: await cpu_us(partial(gateway.post, workload.bodies[0]), seconds)
                for workload in workloads
            }
    return stages


async def _call_sender(
    upstream_url: str, workloads: Sequence[Workload], seconds: float
) -> dict[str, float]:
    transport = UpstreamTransport()
    http = http_exchange(upstream_url, transport, call_timeout=10)
    sent = (("authorization", "Bearer bench-0"),)

    def call(path: str) -> Work:
        made = Call("read", "GET", path, "bench-0", sent)
        return lambda: http.exchange(made, (), until=math.inf)

    try:
        return {w.name: await cpu_us(call(w.path), seconds) for w in workloads}
    finally:
        await transport.aclose()
