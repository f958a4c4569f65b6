"""OperationOutcome: a FHIR server's errors and warnings about a request."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Severity = Literal["fatal", "error", "warning", "information"]
_SEVERITIES: dict[str | None, Severity] = {
    "fatal": "fatal",
    "error": "error",
    "warning": "warning",
    "information": "information",
}
_CODING = ("system", "version", "code", "display")
MOST_ISSUES = 100
LONGEST_TEXT = 4096
"""Limits of an outcome: issues, and characters of a text."""


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
    coding: tuple[dict[str, str], ...] = field(default=())


def error(code: str, text: str, *input_path: str | int) -> Issue:
    """Return an issue of severity error about the input at `input_path`."""
    return Issue("error", code, text, input_path=tuple(map(str, input_path)))


def warning(code: str, text: str, *input_path: str | int) -> Issue:
    """Return an issue of severity warning about the input at `input_path`."""
    return Issue("warning", code, text, input_path=tuple(map(str, input_path)))


def information(code: str, text: str, *input_path: str | int) -> Issue:
    """Return an issue of severity information about the input at `input_path`."""
    return Issue("information", code, text, input_path=tuple(map(str, input_path)))


def as_warning(issue: Issue) -> Issue:
    """Return an issue about something that was done all the same."""
    return replace(issue, severity="warning") if issue.severity in {"fatal", "error"} else issue


def parse_issues(body: object) -> tuple[Issue, ...] | None:
    """Parse the issues of a decoded OperationOutcome; None when `body` is not one.

    Invalid elements are omitted; an unknown severity counts as an error.
    """
    if not isinstance(body, dict) or body.get("resourceType") != "OperationOutcome":
        return None
    issues = body.get("issue")
    if not isinstance(issues, list):
        return ()
    return tuple(_issue(entry) for entry in issues[:MOST_ISSUES] if isinstance(entry, dict))


def _issue(entry: dict[str, Any]) -> Issue:
    details = entry.get("details")
    concept: dict[str, Any] = details if isinstance(details, dict) else {"text": details}
    return Issue(
        severity=_SEVERITIES.get(_text(entry.get("severity")), "error"),
        code=_text(entry.get("code")) or "unknown",
        text=_text(concept.get("text")) or "",
        diagnostics=_text(entry.get("diagnostics")),
        expression=_texts(entry.get("expression")) or _texts(entry.get("location")),
        coding=tuple(_coding(c) for c in _list(concept.get("coding")) if isinstance(c, dict)),
    )


def _coding(coding: dict[str, Any]) -> dict[str, str]:
    found = {name: _text(coding.get(name)) for name in _CODING}
    return {name: text for name, text in found.items() if text is not None}


def _list(value: object) -> Sequence[object]:
    return value[:MOST_ISSUES] if isinstance(value, list) else ()


def _text(value: object) -> str | None:
    return value[:LONGEST_TEXT] if isinstance(value, str) else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(text for item in _list(value) if (text := _text(item)) is not None)
