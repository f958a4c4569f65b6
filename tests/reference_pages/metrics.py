"""All metrics, as a process with nothing to do shows them."""

from group_gateway.observability.prometheus_metrics import PrometheusMetrics


def page() -> str:
    """Return the page of metrics."""
    rows = []
    for family in PrometheusMetrics().collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(f"`{label}`" for label in getattr(family, "_labelnames", ()))
        rows.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} |")
    return "\n".join([_HEAD, *rows, ""])


_HEAD = """\
# Metrics

`/metrics` shows these in Prometheus' text format, and the process metrics of `prometheus_client`
(`process_cpu_seconds_total`, `process_resident_memory_bytes`, …). No label holds an id, a name or a token. A series with
labels appears with its first event. [Observe](../observe.md) says which to watch.

| Metric | Type | Labels | Meaning |
|---|---|---|---|"""
