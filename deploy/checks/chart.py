"""Lints, renders and checks the chart with Helm's own library and the schemas of Kubernetes.

usage: python deploy/checks/chart.py FOLDER, which then holds the rendered manifests
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import yaml

CHART = Path(__file__).parents[1] / "helm" / "group-gateway"
VERSIONS = ("1.30", "1.33", "1.37")
CRDS = "monitoring.coreos.com"  # another script checks those against the operator's schemas
REFUSED: list[dict[str, Any]] = [
    {},  # no upstream
    {"replica": 3},
    {"replicas": 0},
    {"sandbox": True, "image": {"digest": "latest"}},
    {"sandbox": True, "settings": {"GROUP_GATEWAY_DEADLINE": 5}},
    {"sandbox": True, "settings": {"service_client_secret": "in a ConfigMap"}},
    {"sandbox": True, "redis": {"url": "redis://:password@valkey"}},
    {"sandbox": True, "files": [{"mount": "keys"}]},
    {"sandbox": True, "ingress": {"enabled": True}},
    {"sandbox": True, "settings": {"dedline": 5}},
    {"sandbox": True, "settings": {"cache_url": "redis://:password@valkey"}},
    {"sandbox": True, "settings": {"admin_port": 9464}},  # metricsPort, which opens it too
    {"sandbox": True, "secretSettings": {"secrett": "not a setting"}},
    {"sandbox": True, "podLabels": {"app.kubernetes.io/name": "not the selector's"}},
    {
        "settings": {"upstream_url": "https://fhir.example"},
        "autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 3},
    },
]
EXPECTED = {
    "default": ["grace 45"],
    "full": ["grace 45", "ports 443 6379", "paths /graphql"],
    "workers": [
        "grace 91",  # 10 before the signal, 10 more than the deadline, and 10 to spare
        "ports 443 6379 8080 8443 26379 26380 26381 4318",
        "paths /graphql /fhir",
    ],
}
"""What is computed from the values of the files in `ci/`."""


def render(chart: helm_python.Chart, values: dict[str, Any]) -> dict[str, str]:
    """Return the manifests of a release with these values, by file."""
    chart.validate_schema(values)
    rendered = chart.render(values, name="demo", namespace="prod")
    return {name: text for name, text in rendered.items() if text.strip() and ".yaml" in name}


def lint(values: dict[str, Any]) -> None:
    """Raise when `helm lint --strict` finds anything but the missing icon."""
    found = helm_python.lint(CHART, values, strict=True)
    messages = [one for one in found["messages"] if one["error"] != "icon is recommended"]
    if found["errors"] or messages:
        raise SystemExit(f"helm lint: {found['errors']} {messages}")


def check(manifest: dict[str, Any]) -> None:
    """Raise when a manifest does not fit the schema of a version of Kubernetes."""
    if CRDS in manifest["apiVersion"]:
        return
    for version in VERSIONS:
        kubernetes_validate.validate(manifest, version, strict=True)


def computed(manifests: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what the chart computes: the grace period, ports and paths."""
    specs = {one["kind"]: one["spec"] for one in manifests if "spec" in one}
    yield f"grace {specs['Deployment']['template']['spec']['terminationGracePeriodSeconds']}"
    if policy := specs.get("NetworkPolicy"):
        yield "ports " + " ".join(str(each["port"]) for each in policy["egress"][1]["ports"])
    if ingress := specs.get("Ingress"):
        yield "paths " + " ".join(each["path"] for each in ingress["rules"][0]["http"]["paths"])


def refuse(chart: helm_python.Chart, values: dict[str, Any]) -> None:
    """Raise when the chart takes values that it must refuse."""
    try:
        render(chart, values)
    except helm_python.HelmError:
        return
    raise SystemExit(f"The chart takes {values}.")


def main(folder: Path) -> None:
    """Check all sets of values, and write what they render to."""
    with helm_python.Chart.load(CHART) as chart:
        for file in sorted((CHART / "ci").glob("*.yaml")):
            values = yaml.safe_load(file.read_text())
            lint(values)
            manifests = [yaml.safe_load(text) for text in render(chart, values).values()]
            for manifest in manifests:
                check(manifest)
            if list(computed(manifests)) != EXPECTED.get(file.stem, list(computed(manifests))):
                raise SystemExit(f"{file.stem}: {list(computed(manifests))}")
            (folder / f"{file.stem}.json").write_text(json.dumps(manifests))
            print(f"{file.stem}: {', '.join(sorted(one['kind'] for one in manifests))}")
        for values in REFUSED:
            refuse(chart, values)
    print(f"{len(REFUSED)} sets of wrong values are refused")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
