"""FHIR servers as far as a test writes them down: a JSON answer for each beginning of a path."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from cli.wrong_servers import Answer, http

GROUP = {"resourceType": "Group", "id": "a", "actual": True}
BOTH = [{**GROUP, "type": "person"}, {**GROUP, "id": "b", "type": "person"}]
INTERACTIONS = ("read", "search-type", "create", "update")


def statement(*interactions: str, **elements: Any) -> dict[str, Any]:
    """Write a CapabilityStatement that offers these interactions with groups."""
    group = {"type": "Group", "interaction": [{"code": code} for code in interactions]}
    rest = [{"resource": [{"type": "Patient"}, group]}]
    return {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": rest, **elements}


def bundle(*groups: Mapping[str, Any], **links: str) -> dict[str, Any]:
    """Write a page of groups."""
    return {
        "resourceType": "Bundle",
        "total": len(groups),
        "link": [{"relation": relation, "url": url} for relation, url in links.items()],
        "entry": [{"resource": group} for group in groups],
    }


def fhir(answers: Mapping[str, Any]) -> Answer:
    """Answer a path that begins so with this JSON; the longest beginning counts."""

    def answer(path: str) -> bytes:
        begins = [begin for begin in answers if path.startswith(begin)]
        return http("200 OK", json.dumps(answers[max(begins, key=len)]))

    return answer


HARDLY = {"/metadata": statement(*INTERACTIONS), "/Group": bundle()}
"""A FHIR server that can do everything, and has no groups."""


def jwt(**claims: Any) -> str:
    """Return a token with these claims, and a signature that is never verified."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    head, body = (base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    return f"{head}.{body}.c2ln"
