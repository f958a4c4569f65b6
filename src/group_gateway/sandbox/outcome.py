"""The sandbox's refusals: FHIR OperationOutcomes.

Handlers raise `Refusal`; `api/routing.py` turns it into the response. Codes and texts are those of
the real upstream and of `fhirstarter`, the framework that it is built on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from group_gateway.sandbox import codec

FHIR_JSON = "application/fhir+json"

CODES: Mapping[int, str] = {
    400: "invalid",
    401: "unknown",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    409: "conflict",
    410: "deleted",
    412: "conflict",
    422: "business-rule",
    429: "throttled",
}


@dataclass(frozen=True, slots=True)
class Issue:
    """One `OperationOutcome.issue`: its code and its text."""

    code: str
    text: str


class Refusal(Exception):
    """A request that is answered with `status` and one issue for each error."""

    def __init__(
        self, status: int, issues: Sequence[Issue], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, issues)
        self.status = status
        self.issues = issues
        self.headers = headers


def refuse(status: int, text: str, code: str | None = None) -> Refusal:
    """Build the refusal with a single issue; its code follows from the status by default."""
    return Refusal(status, [Issue(code or code_of(status), text)])


def code_of(status: int) -> str:
    """Return the issue code that the upstream uses with a status."""
    return CODES.get(status, "exception")


def outcome(issues: Sequence[Issue]) -> bytes:
    """Write an OperationOutcome."""
    listed = [
        {"severity": "error", "code": issue.code, "details": {"text": issue.text}}
        for issue in issues
    ]
    return codec.encode({"resourceType": "OperationOutcome", "issue": listed})


def answer(refusal: Refusal) -> Response:
    """Turn a refusal into the HTTP response."""
    return Response(
        outcome(refusal.issues),
        status_code=refusal.status,
        headers=refusal.headers,
        media_type=FHIR_JSON,
    )
