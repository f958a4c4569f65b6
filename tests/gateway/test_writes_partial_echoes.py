"""The response to a write may show a part of the stored group, without a tag that says so."""

import json
from typing import Any

import httpx
import pytest

from frontdoor import opened
from group_gateway.app import create_app
from group_gateway.config import Settings

SHOWN = "group { name identifier { value } member { entity { reference } } } issues { code }"
RENAME = f'mutation {{ updateGroup(input: {{ id: "1", name: "New" }}) {{ {SHOWN} }} }}'
CREATE = f"""mutation {{ createGroup(input: {{
    type: PERSON, name: "New", identifier: [{{ value: "v" }}],
    member: [{{ reference: "Patient/1" }}, {{ reference: "Patient/2" }}]
}}) {{ {SHOWN} }} }}"""
MEMBERS = [{"entity": {"reference": f"Patient/{number}"}} for number in (1, 2)]
GROUP = {
    "resourceType": "Group",
    "id": "1",
    "type": "person",
    "actual": True,
    "name": "Old",
    "identifier": [{"value": "v"}],
    "member": MEMBERS,
}


class Echoing(httpx.AsyncBaseTransport):
    """A server that stores a group whole, and answers a write with the `echoed` elements of it."""

    def __init__(self, echoed: tuple[str, ...], most: int) -> None:
        self.group: dict[str, Any] = {**GROUP, "meta": {"versionId": "1"}}
        self.echoed = {"resourceType", "id", "meta", *echoed}
        self.most = most
        self.calls: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.calls.append(request.method)
        if request.method == "GET":
            return httpx.Response(200, json=self.group)
        version = int(self.group["meta"]["versionId"]) + 1
        sent = json.loads(await request.aread())
        self.group = {**sent, "id": "1", "meta": {"versionId": str(version)}}
        shown = {name: value for name, value in self.group.items() if name in self.echoed}
        if "member" in shown:
            shown["member"] = shown["member"][: self.most]
        return httpx.Response(201 if request.method == "POST" else 200, json=shown)


PARTS = {
    "nothing but the version": ((), 2),
    "no members": (("name", "identifier"), 2),
    "one member": (("name", "identifier", "member"), 1),
    "no identifier": (("name", "member"), 2),
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("document", [RENAME, CREATE], ids=["update", "create"])
async def test_a_part_of_the_stored_group(part, document):
    """What is shown and compared is the group as it is stored, and nothing counts as lost."""
    upstream = Echoing(*PARTS[part])
    settings = Settings(upstream_url="http://upstream.test")
    async with opened(create_app(settings, transport=upstream)) as gateway:
        [payload] = (await gateway.data(document)).values()
    assert payload == {
        "group": {
            "name": "New",
            "identifier": [{"value": "v"}],
            "member": MEMBERS,
        },
        "issues": [],
    }


async def test_a_whole_response_is_not_read_again():
    """A response that shows what was sent saves the read."""
    upstream = Echoing(tuple(GROUP), 2)
    settings = Settings(upstream_url="http://upstream.test")
    async with opened(create_app(settings, transport=upstream)) as gateway:
        await gateway.data(RENAME)
    assert upstream.calls == ["GET", "PUT"]
