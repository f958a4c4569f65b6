"""What the CapabilityStatement says about groups. Pure."""

from group_gateway.cli.doctor.checks.reachability import named
from group_gateway.cli.doctor.findings import Finding, fail, ok, warn
from group_gateway.cli.doctor.upstream_probe import ProbeReply
from group_gateway.upstream.capability_statement import GroupCapability, group_capability

STATEMENT = "CapabilityStatement"
_READS = ("read", "search-type")
_WRITES = ("create", "update")


def capability_of(reply: ProbeReply[object]) -> GroupCapability | None:
    """Return what the statement says about groups; None when there is none."""
    return None if reply.error is not None else group_capability(reply.value)


def statement(reply: ProbeReply[object]) -> Finding:
    """Check that it exists, for FHIR R4, and declares reads and writes of groups."""
    said = capability_of(reply)
    if said is None:
        text = f"There is no CapabilityStatement to read at /metadata{named(reply)}."
        return warn(STATEMENT, text, "The gateway learns from the answers to its searches instead.")
    if not said.interactions:
        text = "The CapabilityStatement names no interactions with Group."
        return warn(STATEMENT, text, "Make sure that this server has groups, and is the right one.")
    missing = [name for name in (*_READS, *_WRITES) if name not in said.interactions]
    if missing:
        text = f"The server does not offer Group {_listed(missing)}."
        if set(missing) & set(_READS):
            return fail(STATEMENT, text, "The gateway needs read and search-type at the least.")
        return warn(STATEMENT, text, "Queries work; mutations that need it will fail.")
    if not (said.fhir_version or "4.").startswith("4."):
        text = f"The server speaks FHIR {said.fhir_version}, the gateway R4 (4.0 and 4.3)."
        return warn(STATEMENT, text, "Ask for the server's R4 base URL.")
    server = said.software or "The server"
    version = f"FHIR {said.fhir_version}" if said.fhir_version else "a FHIR version not told"
    return ok(STATEMENT, f"{server}, {version}: Group read, search, create and update.")


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
