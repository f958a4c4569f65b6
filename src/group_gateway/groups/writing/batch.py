"""The requests that share one PUT: its body, and the outcome of each request.

Pure but for the results that it resolves. A request leaves the batch when it has its outcome.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from group_gateway.errors import GatewayError, Refused
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.operation_outcome import Issue, as_warning, error, warning
from group_gateway.groups.reading.loading.pending_result import PendingResult
from group_gateway.groups.writing.base_version import BaseVersion
from group_gateway.groups.writing.verification import (
    loss_warnings,
    losses,
    with_sent_references,
)
from group_gateway.groups.writing.write_requests import Outcome, WriteRequest
from group_gateway.upstream.client import Written

Elements = dict[str, Any]
_PENDING = "The upstream has accepted the change, but has not made it yet: read the group later."


class WriteBatch:
    """Requests of one caller about one group, in the order in which they are applied."""

    def __init__(self, requests: Sequence[WriteRequest]) -> None:
        self.requests = list(requests)

    def __bool__(self) -> bool:
        return bool(self.requests)

    @property
    def deletes(self) -> bool:
        """Whether it is a deletion, which shares nothing."""
        return any(request.change.deletes for request in self.requests)

    @property
    def results(self) -> list[PendingResult[Outcome]]:
        """The results of the waiting operations."""
        return [request.pending for request in self.requests]

    def join(self, requests: Iterable[WriteRequest]) -> None:
        """Add requests, and drop those without a waiter."""
        self.requests = [r for r in (*self.requests, *requests) if not r.abandoned]

    def halves(self) -> tuple["WriteBatch", "WriteBatch"]:
        """Split the requests into two batches."""
        middle = len(self.requests) // 2
        return WriteBatch(self.requests[:middle]), WriteBatch(self.requests[middle:])

    def mark(self, *, sent: bool) -> None:
        """Record whether a PUT may have had an effect."""
        for request in self.requests:
            request.sent = sent

    def warn(self, issue: Issue) -> None:
        """Add an issue to every outcome of this attempt."""
        for request in self.requests:
            request.warnings.append(issue)

    def is_outdated(self, base_version: BaseVersion) -> bool:
        """Return whether a request was meant for another version than this."""
        return any(map(base_version.outdates, self._versions()))

    def _versions(self) -> list[str]:
        return [request.based_on for request in self.requests if request.based_on is not None]

    def apply(self, base_version: BaseVersion) -> Elements | None:
        """Return the body of the PUT, None if nothing is to change; end refused requests."""
        draft = dict(base_version.elements)
        self.end_outdated(base_version)
        for request in list(self.requests):
            self._apply_one(request, base_version, draft)
        self.join(())
        if draft == base_version.elements:
            self.end_all(base_version.group)
        return draft if self.requests else None

    def end_outdated(self, base_version: BaseVersion) -> None:
        """End the requests that were meant for another version."""
        for request in list(self.requests):
            if request.based_on is not None and base_version.outdates(request.based_on):
                text = "The group was changed in the meantime."
                self._end(request, base_version.group, error("conflict", text, *request.bound_by))

    def _apply_one(self, request: WriteRequest, base_version: BaseVersion, draft: Elements) -> None:
        if not request.change.rebases:
            request.based_on = base_version.group.version
        try:
            request.warnings = [*request.warned, *request.change.apply(draft)]
        except Refused as refusal:
            self._end(request, base_version.group, *refusal.issues)

    def end_all(self, group: GroupResource | None, *issues: Issue) -> None:
        """End all requests, each with its warnings."""
        for request in list(self.requests):
            self._end(request, group, *request.warnings, *issues)

    def absent(self) -> None:
        """End all requests: the group does not exist."""
        for request in list(self.requests):
            path = request.change.id_name
            self._end(request, None, error("not-found", "There is no such group.", path))

    def refuse(self, group: GroupResource, refusal: Refused, sent: Elements) -> None:
        """End all requests with the upstream's issues about `sent`."""
        for request in list(self.requests):
            issues = request.change.located(refusal.issues, sent)
            self._end(request, group, *issues, status=refusal.status)

    def settle(self, stored: BaseVersion | None, failure: GatewayError) -> None:
        """End all requests of a PUT without a response, by what is stored now, if that is known."""
        for request in list(self.requests):
            if stored is None or request.change.check(stored.elements):
                self.requests.remove(request)
                request.pending.reject(failure)
            else:
                text = "The upstream's answer was lost; the group was read again and is as asked."
                self._end(request, stored.group, *request.warnings, warning("transient", text))

    def is_made_in(self, elements: Elements) -> bool:
        """Return whether the elements are as all requests ask."""
        return not any(request.change.check(elements) for request in self.requests)

    def is_stored_in(self, elements: Elements, sent: Elements) -> bool:
        """Return whether the elements can be what was stored of `sent`.

        They are as all requests ask, or as an upstream makes them that keeps former members.
        """
        return all(
            not request.change.check(elements) or request.change.fallback(elements, sent)
            for request in self.requests
        )

    def verify(
        self,
        before: BaseVersion,
        stored: BaseVersion,
        sent: Elements,
        base_url: str,
        written: Written,
    ) -> bool:
        """End all requests that were stored, with a warning for what was not; return if all ended.

        The others have another way to their end. What a later request of the same batch undid is no
        reason for a warning. No issue of `written`, the response to the PUT, is an error if
        everything is stored.
        """
        if written.is_pending and any(r.change.check(stored.elements) for r in self.requests):
            self.pend(stored, written.issues)
            return True
        is_rewritten = b"://" in stored.group.raw
        elements = stored.elements
        if is_rewritten:
            elements = with_sent_references(elements, sent, before.elements)
        lost = losses(sent, elements, base_url)
        for request in list(self.requests):
            other_way = request.change.fallback(elements, sent)
            if other_way is not None:
                request.change = other_way
                request.warned = [i for i in request.warnings if i.severity == "warning"]
                request.based_on = request.based_on and stored.group.version
                continue
            warnings = request.change.check(elements)
            meant = request.change.check(sent) if warnings else []
            missing = [warning for warning in warnings if warning not in meant]
            located = request.change.located(written.issues, sent)
            reported = located if missing else map(as_warning, located)
            gone = loss_warnings(lost, request.change.names if missing else ())
            places = {warning.input_path for warning in missing}
            kept = [i for i in request.warnings if not _is_contradicted(i, places)]
            self._end(request, stored.group, *kept, *missing, *gone, *reported)
        return not self.requests

    def pend(self, stored: BaseVersion, upstream_issues: Sequence[Issue]) -> None:
        """End all requests: the upstream has accepted them, and will make them later."""
        for request in list(self.requests):
            open_parts = request.change.check(stored.elements)
            pending = [replace(issue, text=_PENDING) for issue in open_parts]
            self._end(request, stored.group, *request.warnings, *pending, *upstream_issues)

    def reject(self, failure: Exception) -> None:
        """Fail the remaining requests."""
        for request in self.requests:
            request.pending.reject(failure)

    def _end(
        self,
        request: WriteRequest,
        group: GroupResource | None,
        *issues: Issue,
        status: int | None = None,
    ) -> None:
        self.requests.remove(request)
        request.pending.resolve(Outcome(group, issues, status))


def _is_contradicted(issue: Issue, missing: Collection[tuple[str, ...]]) -> bool:
    """Return whether an issue says what was done to a part of the input that was not stored."""
    return issue.severity == "information" and issue.input_path in missing
