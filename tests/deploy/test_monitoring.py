"""Dashboard, alerts and runbook: built on what there is, and complete."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from frontdoor import Gateway

ROOT = Path(__file__).parents[2]
FILES = ROOT / "deploy" / "helm" / "group-gateway" / "files"
ALERTS = (FILES / "alerts.yaml").read_text()
DASHBOARD = json.loads((FILES / "dashboard.json").read_text())
UNIT_TESTS = (ROOT / "deploy" / "prometheus" / "alerts_test.yaml").read_text()
NAME = re.compile(r"\b(?:group_gateway|process|python)_\w+")
SUFFIXES = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}
QUERIES = {
    "dashboard": " ".join(t["expr"] for p in DASHBOARD["panels"] for t in p.get("targets", [])),
    "alerts": "\n".join(line for line in ALERTS.splitlines() if "runbook" not in line),
    "unit tests": UNIT_TESTS,
}


@pytest.mark.parametrize("where", QUERIES)
async def test_every_metric_exists(gateway: Gateway, where: str) -> None:
    """What is queried is what a running gateway shows at `/metrics`."""
    text = (await gateway.http.get("/metrics")).text
    shown = {
        family.name + suffix
        for family in text_string_to_metric_families(text)
        for suffix in SUFFIXES[family.type]
    }
    queried = set(NAME.findall(QUERIES[where]))
    assert queried
    assert queried <= shown


async def test_the_dashboard_shows_all_metrics_of_the_gateway(gateway: Gateway) -> None:
    """No metric of ours is left out, so that each can be found on one page."""
    text = (await gateway.http.get("/metrics")).text
    ours = {
        family.name
        for family in text_string_to_metric_families(text)
        if family.name.startswith("group_gateway_")
    }
    assert {name for name in ours if name not in QUERIES["dashboard"]} == set()


ALERT = re.compile(r"- alert: (\w+)\n(.*?)(?=\n      - alert:|\Z)", re.DOTALL)


@pytest.mark.parametrize(("name", "rule"), ALERT.findall(ALERTS), ids=lambda text: text[:40])
def test_every_alert_has_a_page_and_a_unit_test(name: str, rule: str) -> None:
    """The page that the alert names has its heading; promtool's tests raise it."""
    [page] = re.findall(r"runbook: (\S+)", rule)
    assert (ROOT / page).read_text().startswith(f"# {name}\n")
    assert f"({Path(page).name})" in (ROOT / "docs" / "runbook" / "index.md").read_text()
    assert re.search(rf"alertname: {name}\n +exp_alerts:", UNIT_TESTS)
    assert "severity: critical" in rule or "severity: warning" in rule


def test_no_page_is_left_over() -> None:
    """The runbook has no page for an alert that is gone."""
    pages = {path.name for path in (ROOT / "docs" / "runbook").glob("*.md")} - {"index.md"}
    assert pages == {Path(page).name for page in re.findall(r"runbook: (\S+)", ALERTS)}
