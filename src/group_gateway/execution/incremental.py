"""Incremental execution: `@defer` and `@stream`, a proposal to the GraphQL specification.

This is graphql-core's incremental executor within bounds: a list of a thousand groups with a
deferred fragment in each would be a thousand payloads.
"""

from collections.abc import Sequence
from inspect import isawaitable
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    ExperimentalIncrementalExecutionResults,
    GraphQLError,
    TokenKind,
)
from graphql.execution import Executor
from graphql.execution.incremental import IncrementalExecutor
from graphql.pyutils import RefMap

from group_gateway.errors import BadUserInput
from group_gateway.memory_budget import MemoryBudget

MOST_PAYLOADS = 100
"""Deferred fragments and streamed lists of one response. Further ones are delivered with their
parents."""

Results = ExecutionResult | ExperimentalIncrementalExecutionResults
_DIRECTIVES = frozenset({"defer", "stream"})
_AT_ONCE: Any = RefMap()
"""Stands for the delivery groups of a selection that is delivered as a whole."""


def has_incremental_directives(document: DocumentNode) -> bool:
    """Return whether a document has `@defer` or `@stream`."""
    token = document.loc.start_token if document.loc else None
    while token is not None:
        following = token.next
        if token.kind is TokenKind.AT and following is not None and following.value in _DIRECTIVES:
            return True
        token = following
    return False


class WholeExecutor(Executor[None]):
    """Execute an operation as if it had no `@defer` and no `@stream`."""

    def get_stream_usage(self, *_: Any) -> None:
        """See graphql-core: nothing is streamed."""


class DeferStreamExecutor(IncrementalExecutor):
    """graphql-core's executor with at most `MOST_PAYLOADS` payloads, each with its own errors."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Shared with the executors of deferred parts, which are copies.
        self._budget = MemoryBudget(MOST_PAYLOADS)

    def create_sub_executor(self, *arguments: Any) -> IncrementalExecutor:
        """See graphql-core: a payload starts without reported errors."""
        executor = super().create_sub_executor(*arguments)
        executor.context_value = self.context_value.of_payload()
        return executor

    def execute_collected_subfields(  # noqa: PLR0913, PLR0917 - graphql-core's interface
        self,
        parent_type: Any,
        source_value: Any,
        path: Any,
        grouped_field_set: Any,
        new_defer_usages: Sequence[Any],
        delivery_group_map: Any,
    ) -> Any:
        """See graphql-core: defer no more than there is room for."""
        immediate = delivery_group_map is _AT_ONCE
        if immediate or (new_defer_usages and not self._budget.take(len(new_defer_usages))):
            return self.execute_fields(parent_type, source_value, path, grouped_field_set, _AT_ONCE)
        return super().execute_collected_subfields(
            parent_type, source_value, path, grouped_field_set, new_defer_usages, delivery_group_map
        )

    def get_stream_usage(self, *arguments: Any) -> Any:
        """See graphql-core: report errors to callers."""
        try:
            return super().get_stream_usage(*arguments)
        except ValueError:
            raise BadUserInput("`initialCount` of `@stream` is a number from 0 on.") from None

    def handle_stream(self, *arguments: Any) -> bool:
        """See graphql-core: stream no more than there is room for."""
        return self._budget.take(1) and super().handle_stream(*arguments)

    def build_response(self, data: dict[str, Any] | None) -> Results:
        """See graphql-core: the initial result, with its reported errors."""
        self._add_reported()
        return super().build_response(data)

    def build_execution_group_result(self, *arguments: Any) -> Any:
        """See graphql-core: a deferred fragment, with its reported errors."""
        self._add_reported()
        return super().build_execution_group_result(*arguments)

    def build_stream_item_result(self, item: Any) -> Any:
        """See graphql-core: an item of a list, with its reported errors."""
        self._add_reported()
        return super().build_stream_item_result(item)

    def _add_reported(self) -> None:
        self.collected_errors.errors.extend(self.context_value.reported)
        self.context_value.reported.clear()


async def execute(executor: Executor[Any] | list[GraphQLError]) -> Any:
    """Execute an operation, or return the errors of its variables.

    With a DeferStreamExecutor only up to the initial result; work on the rest has started by then.
    """
    if isinstance(executor, list):
        return ExecutionResult(None, executor)
    try:
        outcome = executor.execute_operation()
        return await outcome if isawaitable(outcome) else outcome
    except BaseException:
        await executor.cancel_incremental_work()
        raise
