"""Whether a trace is sampled, decided without the SDK: an unsampled one must cost nothing."""

from collections.abc import Mapping
from random import getrandbits, random, randrange
from typing import Final

from group_gateway.trace_context import TraceContext

_DEFAULT: Final = "parentbased_always_on"
_RATES: Final = {"always_on": 1.0, "always_off": 0.0}
_LOW_DIGITS: Final = 16
"""Last hexadecimal digits of a trace id. OpenTelemetry's SDKs sample by them, too."""
_LOW_IDS: Final = 1 << 4 * _LOW_DIGITS
_HIGH: Final = f"{getrandbits(64):016x}"
"""First half of the ids of this process's unsampled traces."""


class UnknownSampler(ValueError):
    """`OTEL_TRACES_SAMPLER` or its argument is not supported."""


class Sampling:
    """Whether a trace is sampled, by `OTEL_TRACES_SAMPLER`; default `parentbased_always_on`.

    Raises UnknownSampler. See OpenTelemetry's "SDK environment variables". `rate` is the share of
    sampled traces among those that begin here.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        name = environment.get("OTEL_TRACES_SAMPLER", "").strip().lower() or _DEFAULT
        self._follows_parent = name.startswith("parentbased_")
        kind = name.removeprefix("parentbased_")
        if kind == "traceidratio":
            self.rate = _ratio(environment.get("OTEL_TRACES_SAMPLER_ARG", "").strip() or "1")
        elif kind in _RATES:
            self.rate = _RATES[kind]
        else:
            raise UnknownSampler("OTEL_TRACES_SAMPLER names no sampler that the gateway knows.")
        self._bound = round(self.rate * _LOW_IDS)

    def begins(self) -> bool:
        """Return whether a request that belongs to no trace begins a sampled one."""
        return random() < self.rate  # noqa: S311 - no secret

    def sampled_id(self) -> int:
        """Return a random id of a sampled trace: its lower half is below the ratio's bound."""
        return getrandbits(64) * _LOW_IDS + randrange(self._bound or 1) or 1  # noqa: S311 - no secret

    def keeps(self, parent: TraceContext) -> bool:
        """Return whether the trace of a request with this parent is sampled.

        The same trace gets the same answer each time, in every service with the same ratio.
        """
        if self._follows_parent:
            return parent.sampled
        return int(parent.trace_id[-_LOW_DIGITS:], 16) < self._bound


def is_switched_off(environment: Mapping[str, str]) -> bool:
    """Return whether OpenTelemetry's variables ask for no spans at all."""
    disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return disabled or environment.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"


def new_span_id() -> str:
    """Return a random id of a span: 16 hexadecimal digits, not all of them 0."""
    return (getrandbits(64) or 1).to_bytes(8, "big").hex()  # half the time of a format


def unsampled_parent() -> str:
    """Return a `traceparent` of a new trace that is not sampled (W3C Trace Context, 3.2).

    The half of the id that samplers look at is random. The other half is the process's.
    """
    low = new_span_id()
    return f"00-{_HIGH}{low}-{low}-00"


def _ratio(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise UnknownSampler("OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1.")
    return rate
