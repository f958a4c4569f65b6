"""Lints, renders and checks the chart with Helm's own library and the schemas of Kubernetes.

usage: python deploy/checks/chart.py FOLDER, which then holds the rendered manifests
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import yaml
from chart_values import NAMES, REFUSED, TAKEN

CHART = Path(__file__).parents[1] / "helm" / "group-gateway"
VERSIONS = ("1.30", "1.33", "1.37")
NAME = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?")
SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
CRDS = "monitoring.coreos.com"  # another script checks those against the operator's schemas
EXPECTED = {
    "default": ["grace 45", "probes at http"],
    "full": ["grace 45", "probes at metrics", "ports 443 6379", "paths /graphql"],
    "overridden": ["grace 145", "probes at http", "paths /graphql /fhir"],
    "workers": [
        "grace 91",  # 10 before the signal, 10 more than the deadline, and 10 to spare
        "probes at http",
        "ports 443 6379 26379 26380 26381 8443 8080 4318",
        "paths /graphql /fhir",
    ],
}
"""What is computed from the values of the files in `ci/`."""


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice in a mapping, as Kubernetes does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - the base class has it so
        """See SafeLoader."""
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) < len(node.value):
            raise SystemExit(f"a key stands twice: {node.start_mark}")
        return mapping


def render(
    chart: helm_python.Chart, values: dict[str, Any], name: str = "demo"
) -> list[dict[str, Any]]:
    """Return the manifests of a release with these values."""
    chart.validate_schema(values)
    rendered = chart.render(values, name=name, namespace="prod")
    texts = [text for file, text in rendered.items() if ".yaml" in file]
    return [one for text in texts for one in yaml.load_all(text, StrictLoader) if one]


def lint(values: dict[str, Any]) -> None:
    """Raise when `helm lint --strict` finds anything but the missing icon."""
    found = helm_python.lint(CHART, values, strict=True)
    messages = [one for one in found["messages"] if one["error"] != "icon is recommended"]
    if found["errors"] or messages:
        raise SystemExit(f"helm lint: {found['errors']} {messages}")


def check(manifest: dict[str, Any]) -> None:
    """Raise when a manifest does not fit the schema of a version of Kubernetes.

    The schemas know no patterns of names.
    """
    name = manifest["metadata"]["name"]
    pattern = SERVICE_NAME if manifest["kind"] == "Service" else NAME
    if not isinstance(name, str) or not pattern.fullmatch(name):
        raise SystemExit(f"{manifest['kind']} can't have the name {name!r}")
    if CRDS in manifest["apiVersion"]:
        return
    for version in VERSIONS:
        kubernetes_validate.validate(manifest, version, strict=True)


def computed(manifests: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what the chart computes: the grace period, probes, ports and paths."""
    specs = {one["kind"]: one["spec"] for one in manifests if "spec" in one}
    yield f"grace {specs['Deployment']['template']['spec']['terminationGracePeriodSeconds']}"
    container = specs["Deployment"]["template"]["spec"]["containers"][0]
    probes = (each for name, each in container.items() if name.endswith("Probe"))
    yield "probes at " + " ".join(sorted({each["httpGet"]["port"] for each in probes}))
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
            manifests = render(chart, values)
            for manifest in manifests:
                check(manifest)
            if list(computed(manifests)) != EXPECTED.get(file.stem, list(computed(manifests))):
                raise SystemExit(f"{file.stem}: {list(computed(manifests))}")
            (folder / f"{file.stem}.json").write_text(json.dumps(manifests))
            print(f"{file.stem}: {', '.join(sorted(one['kind'] for one in manifests))}")
        for name, values in [("demo", one) for one in TAKEN] + [(name, {}) for name in NAMES]:
            values.setdefault("settings", {})["upstream_url"] = "https://fhir.example/r4"
            for manifest in render(chart, values, name):
                check(manifest)
        for values in REFUSED:
            refuse(chart, values)
    print(f"{len(TAKEN)} odd sets of values and {len(NAMES)} names of releases are taken")
    print(f"{len(REFUSED)} sets of wrong values are refused")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
