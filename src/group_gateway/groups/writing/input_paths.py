"""The path in the caller's input for an upstream's issue. Pure.

The upstream's issues refer to the body that the gateway sent, which is not what the caller wrote.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from group_gateway.fhir.operation_outcome import Issue

ElementPath = tuple[str, ...]
"""The names and indices of a path into a Group, or into an input, outermost first."""
# The upstream's framework names the path in the text: `body -> member -> 0 -> entity …`.
_BODY_PATH = re.compile(r"body((?: -> \w+)+)")
_STEP = re.compile(r"\w+")


def resource_path(issue: Issue) -> ElementPath:
    """Return the path in a Group that an issue is about, outermost first; empty if unknown.

    A member's `entity` is omitted, as inputs have none.
    """
    expression = issue.expression[0] if issue.expression else ""
    named = _BODY_PATH.match(issue.text)
    if named is not None:
        steps = _STEP.findall(named[1])
    elif expression.startswith("Group."):
        steps = _STEP.findall(expression)[1:]
    else:
        return ()
    return tuple(step for step in steps if step != "entity")


def at(issue: Issue, path: ElementPath) -> Issue:
    """Return the issue as one about this path of the input."""
    return replace(issue, input_path=path)


def responsibility_path(issue: Issue, codes: Sequence[str]) -> ElementPath:
    """Return the path of the responsibility that an issue names; empty without one."""
    words = set(_STEP.findall(issue.text))
    named = (str(index) for index, code in enumerate(codes) if code in words)
    first = next(named, None)
    return () if first is None else ("responsibilities", first)
