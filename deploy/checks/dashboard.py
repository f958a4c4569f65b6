"""Prints the queries of a Grafana dashboard as Prometheus rules, for promtool to check.

usage: python deploy/checks/dashboard.py DASHBOARD
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$instance": ".*"}


def queries(dashboard: dict[str, Any]) -> Iterator[str]:
    """Yield the query of each panel, with Grafana's variables filled in."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            query = str(target["expr"])
            for name, value in VARIABLES.items():
                query = query.replace(name, value)
            yield query


def main() -> None:
    """Print the rules, as JSON, which is YAML too."""
    found = queries(json.loads(Path(sys.argv[1]).read_text()))
    rules = [{"record": f"panel:{n}", "expr": query} for n, query in enumerate(found)]
    print(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))


if __name__ == "__main__":
    main()
