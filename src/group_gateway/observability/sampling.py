"""Whether a trace is sampled, decided without the SDK: an unsampled one must cost nothing."""

import random
from collections.abc import Mapping
from typing import Final

from group_gateway.trace_context import TraceContext

_RATES: Final = {"always_on": 1.0, "always_off": 0.0}


class UnknownSampler(ValueError):
    """`OTEL_TRACES_SAMPLER` or its argument is not supported."""


class Sampling:
    """Whether a trace is sampled, by `OTEL_TRACES_SAMPLER`; default `parentbased_always_on`.

    Raises UnknownSampler. See OpenTelemetry's "SDK environment variables". `rate` is the share of
    sampled traces among those that begin here.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        name = environment.get("OTEL_TRACES_SAMPLER", "").strip() or "parentbased_always_on"
        self._follows_parent = name.startswith("parentbased_")
        kind = name.removeprefix("parentbased_")
        if kind == "traceidratio":
            self.rate = _ratio(environment.get("OTEL_TRACES_SAMPLER_ARG", "").strip() or "1")
        elif kind in _RATES:
            self.rate = _RATES[kind]
        else:
            raise UnknownSampler("OTEL_TRACES_SAMPLER names no sampler that the gateway knows.")

    def keeps(self, parent: TraceContext | None) -> bool:
        """Return whether the trace of a request with this parent is sampled."""
        if parent is not None and self._follows_parent:
            return parent.sampled
        return random.random() < self.rate  # noqa: S311 - no secret


def _ratio(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise UnknownSampler("OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1.")
    return rate
