"""OperationOutcome: what a FHIR server says about a request it did not like.

Used by `upstream` to turn answers into errors and by `groups` for the gateway's own findings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["fatal", "error", "warning", "information"]
_SEVERITIES: frozenset[str] = frozenset({"fatal", "error", "warning", "information"})


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue of an OperationOutcome (FHIR R4, OperationOutcome.issue).

    `text` is `details.text`; `input_path` names the GraphQL input that it is about, outermost
    first, list indexes as digits.
    """

    severity: Severity
    code: str
    text: str
    diagnostics: str | None = None
    expression: tuple[str, ...] = ()
    input_path: tuple[str, ...] = ()
    coding: tuple[dict[str, Any], ...] = field(default=())


def error(code: str, text: str, *input_path: str | int) -> Issue:
    """Give an issue of severity error about the input at `input_path`."""
    return Issue("error", code, text, input_path=tuple(map(str, input_path)))


def warning(code: str, text: str, *input_path: str | int) -> Issue:
    """Give an issue of severity warning about the input at `input_path`."""
    return Issue("warning", code, text, input_path=tuple(map(str, input_path)))


def information(code: str, text: str, *input_path: str | int) -> Issue:
    """Give an issue of severity information about the input at `input_path`."""
    return Issue("information", code, text, input_path=tuple(map(str, input_path)))


def parse_issues(body: object) -> tuple[Issue, ...] | None:
    """Read the issues of a decoded OperationOutcome; None when `body` is no such thing.

    Issues that are not objects are left out; an unknown severity counts as an error.
    """
    if not isinstance(body, dict) or body.get("resourceType") != "OperationOutcome":
        return None
    issues = body.get("issue")
    if not isinstance(issues, list):
        return ()
    return tuple(_issue(entry) for entry in issues if isinstance(entry, dict))


def _issue(entry: dict[str, Any]) -> Issue:
    severity = entry.get("severity")
    details = entry.get("details")
    concept: dict[str, Any] = details if isinstance(details, dict) else {}
    return Issue(
        severity=severity if severity in _SEVERITIES else "error",
        code=_text(entry.get("code")) or "unknown",
        text=_text(concept.get("text")) or "",
        diagnostics=_text(entry.get("diagnostics")),
        expression=_texts(entry.get("expression")) or _texts(entry.get("location")),
        coding=tuple(c for c in _list(concept.get("coding")) if isinstance(c, dict)),
    )


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in _list(value) if isinstance(item, str))
