"""OpenTelemetry's variables (`OTEL_…`): what each may say, and which have no effect here.

The SDK ignores a wrong value, or raises when it is first needed. The gateway refuses it at the
start, as it does with its own settings. Values are not repeated: a header's may be secret.
"""

import re
import ssl
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from group_gateway.observability.sampling import Sampling, UnknownSampler

_LEAST_TIMEOUT: Final = 100
"""Python's SDK takes seconds, against the specification. Such a value is refused, not misread."""
_OTLP: Final = "OTEL_EXPORTER_OTLP_"
_OF_TRACES: Final = f"{_OTLP}TRACES_"
_BATCH_SIZE: Final = ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512)
_QUEUE_SIZE: Final = ("OTEL_BSP_MAX_QUEUE_SIZE", 2048)
_DELAY: Final = ("OTEL_BSP_SCHEDULE_DELAY", 5000)
_BATCH_TIMEOUT: Final = ("OTEL_BSP_EXPORT_TIMEOUT", 30_000)
_LIMITS: Final = (
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
)
_OF_THE_EXPORTER: Final = (
    "CERTIFICATE",
    "CLIENT_CERTIFICATE",
    "CLIENT_KEY",
    "COMPRESSION",
    "ENDPOINT",
    "HEADERS",
    "PROTOCOL",
    "TIMEOUT",
)
_HEEDED: Final = {
    *_LIMITS,
    *(name for name, _ in (_BATCH_SIZE, _QUEUE_SIZE, _DELAY, _BATCH_TIMEOUT)),
    *(prefix + name for name in _OF_THE_EXPORTER for prefix in (_OTLP, _OF_TRACES)),
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS",
    "OTEL_PROPAGATORS",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SDK_DISABLED",
    "OTEL_SEMCONV_STABILITY_OPT_IN",  # the instrumentation of Redis reads it
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_EXPORTER",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
}
_PAIR: Final = re.compile(r"\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+\s*=[^,;\r\n]*", re.ASCII)
_ATTRIBUTE: Final = re.compile(r"\s*[^=\s;]+\s*=[^=]*")


class UnusableVariable(ValueError):
    """A variable of OpenTelemetry's is wrong. The text is one sentence for the operator."""


class BatchSizes:
    """How spans are queued and exported: numbers of spans, and milliseconds."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.queue = _number(environment, *_QUEUE_SIZE)
        name, default = _BATCH_SIZE
        self.batch = _number(environment, name, min(default, self.queue))
        if self.batch > self.queue:
            raise UnusableVariable(f"{name} is wrong: it is at most {_QUEUE_SIZE[0]}.")
        self.delay = _number(environment, *_DELAY)
        one = _number(environment, _effective(environment, "TIMEOUT"), 10_000, _LEAST_TIMEOUT)
        self.timeout = min(one, _number(environment, *_BATCH_TIMEOUT, _LEAST_TIMEOUT))


def check_variables(environment: Mapping[str, str]) -> None:
    """Raise UnusableVariable when a variable says what the gateway can't do."""
    known = {name: value.strip() for name, value in environment.items() if name.startswith("OTEL_")}
    if known.get("OTEL_CONFIG_FILE"):
        raise UnusableVariable("OTEL_CONFIG_FILE is not supported: use the variables instead.")
    try:
        Sampling(known)
    except UnknownSampler as error:
        raise UnusableVariable(str(error)) from None
    BatchSizes(known)
    for name in _LIMITS:
        _number(known, name, 0, least=0)
    for name, check in _checks(known).items():
        if (value := known.get(name)) and (sentence := check(value)):
            raise UnusableVariable(f"{name} is wrong: {sentence}.")


def without_effect(environment: Mapping[str, str]) -> list[str]:
    """Return the names of OpenTelemetry's variables that are set and change nothing here."""
    told = {"OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"}
    return sorted(
        name
        for name, value in environment.items()
        if name.startswith("OTEL_") and value.strip() and name not in _HEEDED
        if not (name in told and value.strip().lower() == "none")
    )


def _checks(environment: Mapping[str, str]) -> dict[str, Callable[[str], str]]:
    """Return what says why a value is wrong, or nothing, by the name of the variable."""
    of_the_exporter: dict[str, Callable[[str], str]] = {
        "CERTIFICATE": _no_certificates,
        "CLIENT_CERTIFICATE": _no_file,
        "CLIENT_KEY": _no_file,
        "COMPRESSION": _none_of("none", "gzip", "deflate"),
        "ENDPOINT": _no_url,
        "HEADERS": _no_headers,
        "PROTOCOL": _none_of("http/protobuf"),
    }
    return {
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": _no_detectors,
        "OTEL_PROPAGATORS": _no_propagators,
        "OTEL_RESOURCE_ATTRIBUTES": _no_attributes,
        "OTEL_SDK_DISABLED": _none_of("true", "false"),
        "OTEL_TRACES_EXPORTER": _none_of("otlp", "none"),
        **{_effective(environment, name): check for name, check in of_the_exporter.items()},
    }


def _effective(environment: Mapping[str, str], name: str) -> str:
    """Return the variable of the exporter that counts: that of traces before the general one."""
    return _OF_TRACES + name if environment.get(_OF_TRACES + name, "").strip() else _OTLP + name


def _number(environment: Mapping[str, str], name: str, default: int, least: int = 1) -> int:
    text = environment.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) < least:  # noqa: PLR2004 - fits 32 bits
        unit = " of milliseconds" if name.endswith(("_TIMEOUT", "_DELAY")) else ""
        raise UnusableVariable(f"{name} is wrong: it takes a whole number{unit}, {least} or more.")
    return int(text)


def _none_of(*words: str) -> Callable[[str], str]:
    sentence = f"it takes {' or '.join(words)}"
    return lambda value: "" if value.lower() in words else sentence


def _no_propagators(value: str) -> str:
    names = {name.strip().lower() for name in value.split(",")}
    if "tracecontext" in names and names <= {"tracecontext", "baggage"}:
        return ""
    return "the gateway passes on tracecontext and nothing else"


def _no_detectors(value: str) -> str:
    known = {"*", *entry_points(group="opentelemetry_resource_detector").names}
    return "" if {name.strip() for name in value.split(",")} <= known else "one is not installed"


def _no_attributes(value: str) -> str:
    pairs = [pair for pair in value.split(",") if pair.strip()]
    return "" if all(map(_ATTRIBUTE.fullmatch, pairs)) else "it takes pairs such as a=b,c=d"


def _no_headers(value: str) -> str:
    pairs = [pair for pair in value.split(",") if pair.strip()]
    if all(_PAIR.fullmatch(pair) and unquote(pair).isprintable() for pair in pairs):
        return ""
    return "it takes pairs such as name=value, with commas and blanks as %2C and %20"


def _no_url(value: str) -> str:
    sentence = "it takes a URL such as http://collector:4318"
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return sentence
    return "" if usable and value.isprintable() and " " not in value else sentence


def _no_file(value: str) -> str:
    try:
        Path(value).read_bytes()
    except OSError:
        return f"there is no file to read at {value}"
    return ""


def _no_certificates(value: str) -> str:
    try:
        ssl.create_default_context(cafile=value)
    except (OSError, ValueError):
        return f"there is no file of PEM certificates at {value}"
    return ""
