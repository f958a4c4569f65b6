"""Values that the chart must take, and values that it must refuse."""

from typing import Any

NAMES = ("demo", "123", "true", "1e5", "my.release", "group-gateway", 53 * "a", f"{51 * 'a'}.b")
"""Names that a release may have: each must become the name of a Service."""
TAKEN: list[dict[str, Any]] = [
    *({"fullnameOverride": name} for name in ("true", "on", "null", 60 * "a", f"{51 * 'a'}--b")),
    *({name: None} for name in ("env", "files", "secretSettings", "podLabels", "tolerations")),
    {"existingSecret": "12345", "priorityClassName": "true"},
    {"image": {"repository": "registry.example:5000/gateway", "tag": "20260101"}},
    {"serviceAccount": {"name": "123"}},
    {"serviceAccount": {"create": False, "name": "true"}},
    {"settings": {"service_scope": 'it\'s "quoted": # no comment', "cache_megabytes": 1e6}},
    {"secretSettings": {"secret": 'quotes " and \\ and\nlines: #'}},
    {"ingress": {"enabled": True, "host": "*.example.com", "tlsSecret": "1", "className": "on"}},
    {"ingress": {"enabled": True, "host": "1.2"}},
    {"files": [{"mount": "keys", "secret": "123"}, {"mount": "documents", "configMap": "true"}]},
    {"audit": {"enabled": True, "existingClaim": "123"}},
    {"metricsPort": 80, "service": {"port": 80, "type": "LoadBalancer"}},
    {"networkPolicy": {"enabled": True, "metricsFrom": None}, "metricsPort": 9464},
    {"podSecurityContext": None, "resources": None, "topologySpreadConstraints": None},
    {"autoscaling": {"enabled": True, "targetCPUUtilizationPercentage": 150}},
    {"serviceMonitor": {"enabled": True, "labels": None, "interval": "5s"}},
    {"bindAddress": "::"},
    {
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": None,
            }
        ]
    },
]
"""Beside an upstream: what looks like a number or a truth, quotes, nulls, wildcards, long names."""
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
    {"sandbox": True, "image": None},
    {"sandbox": True, "settings": None},
    {"sandbox": True, "podDisruptionBudget": {"maxUnavailable": None}},
    {"sandbox": True, "preStopSeconds": None},
    {"sandbox": True, "env": [{"name": "GROUP_GATEWAY_PORT", "value": "9000"}]},
    {"sandbox": True, "podAnnotations": {"checksum/secret": "twice"}},
    {"sandbox": True, "serviceMonitor": {"labels": {"app.kubernetes.io/name": "twice"}}},
    {"sandbox": True, "ingress": {"enabled": True, "host": "Upper.example"}},
    {"sandbox": True, "prometheusRule": {"runbookBaseUrl": "https://docs.example/a b: #c"}},
    {"sandbox": True, "env": 2 * [{"name": "TZ", "value": "UTC"}]},
    {"sandbox": True, "audit": {"enabled": True}, "env": [{"name": "POD_NAME", "value": "a"}]},
    {"sandbox": True, "audit": {"enabled": True}, "settings": {"audit_file": "/var/audit"}},
    {"sandbox": True, "files": 2 * [{"mount": "keys", "secret": "api-keys"}]},
    {
        "settings": {"upstream_url": "https://fhir.example"},
        "autoscaling": {"enabled": True},
        "resources": {"requests": {"cpu": None}},
    },
]
