// Checks the chart's manifests for the Prometheus operator against the operator's own schemas.
// usage: node deploy/checks/monitors.mjs MANIFESTS...
import { readFileSync } from "node:fs";
import { PrometheusRule, ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";

const kinds = { PrometheusRule, ServiceMonitor };
let checked = 0;
for (const file of process.argv.slice(2)) {
  for (const manifest of JSON.parse(readFileSync(file, "utf8"))) {
    if (!manifest.apiVersion.startsWith("monitoring.coreos.com/")) continue;
    new kinds[manifest.kind](manifest).validate();
    checked += 1;
  }
}
if (checked < 2) throw new Error(`only ${checked} manifests for the operator were rendered`);
console.log(`${checked} manifests fit the Prometheus operator's schemas`);
