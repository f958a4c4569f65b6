"""The reasons why graphql-core executes a query instead of a compiled plan."""

import logging
from collections.abc import Callable
from enum import StrEnum

import msgspec
from graphql import GraphQLError

from group_gateway.errors import GatewayError
from group_gateway.execution.completers import Deoptimize

_log = logging.getLogger(__name__)


class PlanFallback(StrEnum):
    """The reasons. Mutations and subscriptions never have a plan, and are not counted."""

    NOT_COMPILABLE = "not_compilable"
    TOO_MANY_PLANS = "too_many_plans"
    VARIABLES = "variables"
    UNEXPECTED_VALUE = "unexpected_value"
    FIELD_ERROR = "field_error"
    EXCEPTION = "exception"


_TEXTS = {
    PlanFallback.NOT_COMPILABLE: "it selects what a plan can't complete",
    PlanFallback.TOO_MANY_PLANS: "its conditions have too many combinations",
    PlanFallback.VARIABLES: "its variables don't fit",
    PlanFallback.UNEXPECTED_VALUE: "a value is not what the plan expects",
    PlanFallback.FIELD_ERROR: "a field has an error",
    PlanFallback.EXCEPTION: "the plan raised an exception",
}


class VariablesMisfit(Deoptimize):
    """The variables can't be coerced."""


class PlanFallbacks:
    """Count fallbacks by reason with `count`, and log the first of each."""

    def __init__(self, count: Callable[[str], None]) -> None:
        self._count = count
        self._logged: set[PlanFallback] = set()

    def add(self, reason: PlanFallback) -> None:
        """Count one fallback."""
        self._count(reason.value)
        if reason not in self._logged:
            self._logged.add(reason)
            _log.info(
                "An operation was executed without a plan: %s. Logged once for each reason.",
                _TEXTS[reason],
                extra={"reason": reason.value},
            )

    def add_failure(self, failure: Exception) -> None:
        """Count one fallback by the exception that ended a plan."""
        self.add(_reason(failure))


def _reason(failure: Exception) -> PlanFallback:
    match failure:
        case VariablesMisfit():
            return PlanFallback.VARIABLES
        case Deoptimize() | msgspec.MsgspecError():
            return PlanFallback.UNEXPECTED_VALUE
        case GatewayError() | GraphQLError():
            return PlanFallback.FIELD_ERROR
        case _:
            return PlanFallback.EXCEPTION
