"""An incremental result, as GraphQL's proposal on incremental delivery has it.

The format is that of graphql-core 3.3 and graphql-js 17: `pending`, `incremental`, `completed` and
`hasNext`. Its errors are formatted like all others.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from typing import Any

from graphql import (
    ExperimentalIncrementalExecutionResults,
    GraphQLError,
    IncrementalDeferResult,
    IncrementalStreamResult,
    SubsequentIncrementalExecutionResult,
)
from graphql.execution import CompletedResult

from group_gateway.execution.error_formatting import formatted_error
from group_gateway.execution.incremental import DeferStreamExecutor
from group_gateway.operation import Operation


class IncrementalResult:
    """The payloads of a response, each a map to encode. It must be closed.

    `codes` are those of the errors in the payloads so far.
    """

    def __init__(
        self,
        results: ExperimentalIncrementalExecutionResults,
        executor: DeferStreamExecutor,
        operation: Operation,
    ) -> None:
        self._results = results
        self._executor = executor
        self._operation = operation
        self.codes: set[str] = set()

    async def aclose(self) -> None:
        """Cancel all work on further payloads."""
        await self._executor.cancel_incremental_work()

    async def payloads(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the payloads as they are ready; all but the last have `hasNext`."""
        first = self._results.initial_result
        shown = self._with_errors({"data": first.data}, first.errors)
        yield {**shown, "pending": [part.formatted for part in first.pending], "hasNext": True}
        async with aclosing(self._results.subsequent_results) as results:
            async for result in results:
                yield self._shown(result)

    def _shown(self, result: SubsequentIncrementalExecutionResult) -> dict[str, Any]:
        shown: dict[str, Any] = {"hasNext": result.has_next}
        if result.pending:
            shown["pending"] = [part.formatted for part in result.pending]
        if result.incremental:
            shown["incremental"] = list(map(self._delivered, result.incremental))
        if result.completed:
            shown["completed"] = list(map(self._completed, result.completed))
        return shown

    def _delivered(
        self, result: IncrementalDeferResult | IncrementalStreamResult
    ) -> dict[str, Any]:
        shown: dict[str, Any] = {"id": result.id}
        if result.sub_path:
            shown["subPath"] = result.sub_path
        if isinstance(result, IncrementalDeferResult):
            shown["data"] = result.data
        else:
            shown["items"] = result.items
        return self._with_errors(shown, result.errors)

    def _completed(self, result: CompletedResult) -> dict[str, Any]:
        return self._with_errors({"id": result.id}, result.errors)

    def _with_errors(
        self, shown: dict[str, Any], errors: Iterable[GraphQLError] | None
    ) -> dict[str, Any]:
        presented = [
            formatted_error(error, "INTERNAL_SERVER_ERROR", self._operation)
            for error in errors or ()
        ]
        self.codes.update(error["extensions"]["code"] for error in presented)
        return {"errors": presented, **shown} if presented else shown
