"""OpenTelemetry's variables: each is heeded, refused in words, or named as without effect."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from group_gateway.config import PREFIX, SettingsError, read_settings
from observability.conftest import Receiver
from observability.test_opentelemetry import READ, SAMPLED, post

WRONG = [
    ({"OTEL_TRACES_SAMPLER": "xray"}, "OTEL_TRACES_SAMPLER names no sampler that the gateway"),
    (
        {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "nan"},
        "OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1.",
    ),
    (
        {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "often"},
        "OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1.",
    ),
    ({"OTEL_CONFIG_FILE": "/etc/otel.yaml"}, "OTEL_CONFIG_FILE is not supported"),
    *(
        ({name: value}, f"{name} is wrong: {why}")
        for name, value, why in (
            ("OTEL_SDK_DISABLED", "yes", "it takes true or false."),
            ("OTEL_TRACES_EXPORTER", "console", "it takes otlp or none."),
            ("OTEL_TRACES_EXPORTER", "otlp,console", "it takes otlp or none."),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "it takes http/protobuf."),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "it takes http/protobuf."),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "it takes none or gzip or deflate."),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "it takes a URL such as"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://", "it takes a URL such as"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:99999", "it takes a URL such as"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization: Bearer secret", "it takes pairs"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=a%0ab", "it takes pairs"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10", "it takes a whole number of milliseconds, 100"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "it takes a whole number of milliseconds, 100"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere", "there is no file of PEM certific"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/dev/null", "there is no file of PEM certifi"),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/nowhere", "there is no file to read at"),
            ("OTEL_PROPAGATORS", "b3", "the gateway passes on tracecontext and nothing else."),
            ("OTEL_PROPAGATORS", "baggage", "the gateway passes on tracecontext and nothing"),
            ("OTEL_RESOURCE_ATTRIBUTES", "group-gateway", "it takes pairs such as a=b,c=d."),
            ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "moon", "one is not installed."),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "many", "it takes a whole number, 1 or more."),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "9" * 5000, "it takes a whole number, 1 or more."),
            ("OTEL_BSP_SCHEDULE_DELAY", "0", "it takes a whole number of milliseconds, 1 or"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "3000", "it is at most OTEL_BSP_MAX_QUEUE_SIZE."),
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-1", "it takes a whole number, 0 or more."),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "x", "it takes a whole number, 0 or more."),
        )
    ),
]


def read(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    """Read the settings of a gateway with OpenTelemetry and these variables."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    read_settings({f"{PREFIX}OPENTELEMETRY": "on"}, {})


@pytest.mark.parametrize(("variables", "sentence"), WRONG)
def test_a_wrong_value(
    variables: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value that the gateway can't heed is one sentence at the start, without the value."""
    with pytest.raises(SettingsError) as caught:
        read(monkeypatch, variables)
    assert str(caught.value).startswith(sentence)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_PROPAGATORS": "b3"},
        {
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
        },
        {"OTEL_PROPAGATORS": "baggage, tracecontext"},
        {"OTEL_BSP_MAX_QUEUE_SIZE": "10"},
        {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer a=b,x-scope=1"},
    ],
)
def test_a_value_that_fits(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is refused that is switched off, overridden for spans, or only unusual."""
    read(monkeypatch, variables)


async def test_empty_variables(
    traced: Callable[..., Any], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty variable counts as not set."""
    for name in (
        "OTEL_SERVICE_NAME",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_TRACES_EXPORTER",
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
    ):
        monkeypatch.setenv(name, "")
    read(monkeypatch, {})
    await post(await traced(), READ, **SAMPLED)
    await traced.end()
    assert receiver.resource["service.name"] == "group-gateway"


async def test_the_name_of_the_service(
    traced: Callable[..., Any], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name and a version among the resource's attributes go before the gateway's own."""
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=groups,service.version=7")
    await post(await traced(), READ, **SAMPLED)
    await traced.end()
    assert receiver.resource["service.name"] == "groups"
    assert receiver.resource["service.version"] == "7"


async def test_variables_without_effect(
    traced: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Variables that the gateway does not read are named once, so that nobody waits for them."""
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "otlp")
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")
    monkeypatch.setenv("OTEL_LOG_LEVEL", "debug")
    await traced()
    said = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert "These variables have no effect: OTEL_LOG_LEVEL, OTEL_METRICS_EXPORTER." in said


async def test_spans_that_nobody_asked_for(
    traced: Callable[..., Any], receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """A collector's address alone records nothing, and the log names the setting that is off."""
    caplog.set_level(logging.INFO, "group_gateway")
    await post(await traced(opentelemetry=False), READ, **SAMPLED)
    await traced.end()
    assert receiver.spans == []
    assert "No spans are recorded: GROUP_GATEWAY_OPENTELEMETRY is off." in caplog.messages
