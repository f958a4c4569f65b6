"""Which searches the upstream really supports, whatever it declares.

A parameter counts as applied by the gateway's own rule: the Bundle's `self` link echoes it, and
every group found matches.
"""

from group_gateway.cli.doctor.findings import Finding, ok, warn
from group_gateway.cli.doctor.upstream_probe import ProbeReply, UpstreamProbe
from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.literal_reference import entity_reference
from group_gateway.groups.reading.filters.filter_table import FIELDS, GroupFilter
from group_gateway.groups.reading.pages.page_numbers import PAGE_SIZE
from group_gateway.groups.reading.searches.filter_pushdown import judge
from group_gateway.groups.reading.searches.walk_budget import SCAN_PAGES
from group_gateway.upstream.capability_statement import GroupCapability

SAMPLE = 20
"""Groups that the doctor reads to find something to search for."""
_SCAN = f"The gateway filters itself, among the first {PAGE_SIZE * SCAN_PAGES} groups."
_ID_LISTS, _BY_TYPE, _BY_PATIENT = "id lists", "search by type", "search by patient"


async def id_lists(probe: UpstreamProbe, sample: Searchset) -> Finding:
    """Check whether one search finds several groups by their ids."""
    if len(sample.groups) < 3:  # noqa: PLR2004 - two, and one that must not come
        return ok(_ID_LISTS, "There are too few groups to try.")
    # The last ones: a server that ignores `_id` returns the first ones.
    ids = {group.id for group in sample.groups[-2:]}
    many = await probe.search(("_id", ",".join(sorted(ids))), ("_count", "2"))
    if _ids(many) == ids:
        return ok(_ID_LISTS, "`_id=a,b` finds both: many groups come in one call.")
    id = sample.groups[-1].id
    one = await probe.search(("_id", id), ("_count", "1"))
    works = "takes one id, no list" if _ids(one) == {id} else "is not applied"
    return warn(_ID_LISTS, f"`_id` {works}.", "The gateway reads groups one by one, in parallel.")


def _ids(reply: ProbeReply[Searchset]) -> set[str]:
    return {group.id for group in reply.value.groups} if reply.value is not None else set()


async def by_type(probe: UpstreamProbe, said: GroupCapability | None, sample: Searchset) -> Finding:
    """Check whether `type` is applied."""
    kind = sample.groups[0].elements.get("type")
    if not isinstance(kind, str):
        return warn(_BY_TYPE, "The first group has no type to search for.")
    wanted = GroupFilter(type=kind)
    reply = await probe.open(("type", kind), count=SAMPLE)
    return _finding(_BY_TYPE, {"type": _took(reply, wanted, ("type", kind))}, said)


async def by_patient(
    probe: UpstreamProbe, said: GroupCapability | None, sample: Searchset
) -> Finding:
    """Check whether `patient` or `member` is applied, in the gateway's order."""
    patient = next(filter(None, map(_patient_in, sample.groups)), None)
    if patient is None:
        return ok(_BY_PATIENT, "No patient is a member of the first groups: nothing to try.")
    wanted = GroupFilter(patient=patient)
    took: dict[str, str] = {}
    for parameter in FIELDS["patient"].parameters:
        [value] = parameter.values(patient)
        pair = (parameter.name, value)
        took[parameter.name] = _took(await probe.open(pair, count=SAMPLE), wanted, pair)
        if took[parameter.name] == _APPLIED:
            break
    return _finding(_BY_PATIENT, took, said)


def _patient_in(group: GroupResource) -> str | None:
    members = group.elements.get("member")
    references = map(entity_reference, members if isinstance(members, list) else [])
    return next((ref.id for ref in references if ref is not None and ref.type == "Patient"), None)


_APPLIED, _IGNORED, _REFUSED = "is applied", "is ignored", "is refused"
_UNPROVEN = "is not echoed in the `self` link, so it may be ignored"


def _took(reply: ProbeReply[Searchset], wanted: GroupFilter, pair: tuple[str, str]) -> str:
    """Describe how the upstream handled a parameter."""
    if reply.value is None:
        return _REFUSED
    verdict = judge((pair,), wanted, reply.value)
    if verdict.ignored:
        return _IGNORED
    # The sample has such a group, so an empty result is wrong.
    return _APPLIED if verdict.applied and reply.value.groups else _UNPROVEN


def _finding(check: str, took: dict[str, str], said: GroupCapability | None) -> Finding:
    declared = said.search_parameters if said is not None else None
    works = next((name for name, how in took.items() if how == _APPLIED), None)
    if works is None:
        told = " and ".join(f"`{name}` {how}" for name, how in took.items())
        return warn(check, f"{told}.", _SCAN)
    if declared is not None and works not in declared:
        text = f"`{works}` is applied, but the CapabilityStatement does not declare it."
        return warn(check, text, f"The gateway goes by the statement. {_SCAN}")
    return ok(check, f"`{works}` is applied{'' if declared is None else ', as declared'}.")
