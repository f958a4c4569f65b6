"""How a compiled plan completes values: nulls, awaited values, and unexpected ones.

Awaiting each of a thousand references would take as many tasks. So fields of resources are left
open, and completed when all resources are read.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import CoroutineType
from typing import Any

from graphql.pyutils import is_awaitable

from group_gateway.execution.fields import Info, Resolver
from group_gateway.resources.resource_loader import PendingResource

Completer = Callable[[Any, Info], Any]
ResolvedField = tuple[str, Resolver, Completer, bool]
"""A field's response key, resolver and completer, and whether it can't be null."""


class FlatCompleter:
    """Complete a value, which may be null, without further reads."""

    __slots__ = ("_complete",)

    def __init__(self, complete: Completer) -> None:
        self._complete = complete

    def __call__(self, value: Any, info: Info) -> Any:
        """Complete a value."""
        return None if value is None else self._complete(value, info)


_AT_ONCE = frozenset({str, dict, list, bool, int, type(None)})
"""Types of most values, none of which is to be awaited."""


class Deoptimize(Exception):
    """A value is not what the plan was compiled for."""


def complete_fields(empty: dict[str, Any], fields: list[ResolvedField]) -> Completer:
    """Return the function that resolves and completes fields, some of which may be awaited.

    If a field fails, the siblings that graphql-core would resolve are resolved too. Their results
    are kept in the context, so that the fallback run sends no additional upstream calls.
    """

    def complete(source: Any, info: Info) -> Any:
        shown: dict[str, Any] = empty.copy()
        waiting: list[Awaitable[dict[str, Any]]] = []
        failure: Exception | None = None
        for key, resolve, completer, required in fields:
            try:
                value = resolve(source, info)
                if type(value) is PendingResource and type(completer) is FlatCompleter:
                    info.reads.append((shown, key, value, completer))
                    continue
                if type(value) is CoroutineType or (
                    type(value) not in _AT_ONCE and is_awaitable(value)
                ):
                    waiting.append(_kept(shown, key, value, completer, info))
                    continue
                shown[key] = value = completer(value, info)
                if type(value) is CoroutineType:
                    waiting.append(_kept(shown, key, value, None, info))
            except Exception as error:  # noqa: BLE001 - raised below
                failure = error
                if required:
                    break
        if waiting:
            is_alone = failure is None and len(waiting) == 1
            return waiting[0] if is_alone else _settled(shown, waiting, failure)
        if failure is not None:
            raise failure
        return shown

    return complete


async def complete_reads(info: Info) -> None:
    """Complete the fields of an object that wait for one resource."""
    for shown, key, read, complete in info.reads:
        shown[key] = complete(read.result() if read.is_over else await read, info)


async def _kept(
    shown: dict[str, Any], key: str, value: Any, complete: Completer | None, info: Info
) -> dict[str, Any]:
    """Wait for a field's value, and complete it; return the object that shows it."""
    found = await value
    if complete is not None:
        found = complete(found, info)
        if type(found) is CoroutineType:
            found = await found
    shown[key] = found
    return shown


async def _settled(
    shown: dict[str, Any],
    waiting: Sequence[Awaitable[dict[str, Any]]],
    failure: Exception | None,
) -> dict[str, Any]:
    """Wait for all fields, even if one has failed; then raise the failure."""
    for outcome in (failure, *await asyncio.gather(*waiting, return_exceptions=True)):
        if isinstance(outcome, BaseException):
            raise outcome
    return shown


def after(value: Any, finish: Callable[[Any], Any]) -> Any:
    """Return a function's result for a value, or an awaitable of it if the value is awaited."""
    return _finished(value, finish) if type(value) is CoroutineType else finish(value)


async def _finished(value: Awaitable[Any], finish: Callable[[Any], Any]) -> Any:
    return finish(await value)


def required(complete: Completer) -> Completer:
    """Return the completer of a value that can't be null."""

    def required(value: Any, info: Info) -> Any:
        if value is None:
            raise Deoptimize
        return complete(value, info)

    return required


def nullable(complete: Completer) -> Completer:
    """Return the completer of a value that may be null."""
    return lambda value, info: None if value is None else complete(value, info)


def listed(complete: Completer) -> Completer:
    """Return the completer of a list."""

    def complete_all(value: Any, info: Info) -> Any:
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            raise Deoptimize
        items: list[Any] = []
        failure: Exception | None = None
        for item in value:
            try:
                items.append(complete(item, info))
            except Exception as error:  # noqa: BLE001 - raised when the others were resolved
                failure = error
        if CoroutineType in set(map(type, items)):
            return _gathered(items, failure)
        if failure is not None:
            raise failure
        return items

    return complete_all


async def _gathered(items: list[Any], failure: Exception | None) -> list[Any]:
    """Wait for the awaited items, even if one has failed."""
    open_ones = [index for index, item in enumerate(items) if is_awaitable(item)]
    settled = await asyncio.gather(*(items[i] for i in open_ones), return_exceptions=True)
    for index, outcome in zip(open_ones, settled, strict=True):
        if isinstance(outcome, BaseException):
            raise outcome
        items[index] = outcome
    if failure is not None:
        raise failure
    return items


def leaf(kind: type) -> Completer:
    """Return the completer of a scalar of a Python type."""

    def leaf(value: Any, _: Info) -> Any:
        if type(value) is not kind:
            raise Deoptimize
        return value

    return leaf


def integer(value: Any, _: Info) -> Any:
    """Complete an Int."""
    if type(value) is not int or not -(2**31) <= value < 2**31:
        raise Deoptimize
    return value
