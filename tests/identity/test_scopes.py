"""With a service account the gateway itself holds callers to their scopes, cache or not."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from conftest import Sandbox
from frontdoor import Gateway
from group_gateway.sandbox.wellknown import SEED_PATIENT_ID, TEST_GROUP_ID
from identity.asking import CREATE, FOUND, LIST, NAME, RENAME, code
from identity.issuer import signed

REQUESTS = {
    "r": NAME,
    "s": LIST,
    "c": CREATE,
    "u": RENAME,
    "d": f'mutation {{ deleteGroup(input: {{id: "{TEST_GROUP_ID}"}}) {{ issues {{ code }} }} }}',
}
MORE = {
    "r": f'{{ _entities(representations: [{{__typename: "Group", id: "{TEST_GROUP_ID}"}}]) '
    "{ ... on Group { name } } }",
    "s": f'{{ _entities(representations: [{{__typename: "Patient", id: "{SEED_PATIENT_ID}"}}]) '
    "{ ... on Patient { groups { nodes { name } } } } }",
    "u": f"""mutation {{ addGroupMembers(input: {{ groupId: "{TEST_GROUP_ID}",
        members: [{{ reference: "Patient/1" }}] }}) {{ group {{ name }} issues {{ code }} }} }}""",
}
SCOPES = {
    "user/Group.read": "rs",
    "user/Group.write": "cud",
    "user/Group.*": "cruds",
    "system/Group.read": "rs",
    "user/*.read": "rs",
    "user/Group.rs": "rs",
    "user/Group.cu": "cu",
    "user/Group.cruds": "cruds",
    "user/Group.r": "r",
    "user/Group.s": "s",
    "user/Group.d": "d",
    "openid user/Group.read user/Group.write": "cruds",
    "user/Group.sr": "",
    "user/Group.": "",
    "user/Group.reads": "",
    "user/Group.read?type=person": "",
    "user/Group.rs?type=person": "",
    "patient/Group.read": "",
    "user/Patient.read": "",
    "USER/GROUP.READ": "",
    "openid profile": "",
    "": "",
}


def allows(answer: Any) -> bool:
    """Return whether something was let through; else the answer is one FORBIDDEN."""
    if "errors" not in answer:
        return True
    assert code(answer) == "FORBIDDEN"
    return False


@pytest.mark.parametrize("scope", SCOPES)
async def test_scopes(gateway: Gateway, sandbox: Sandbox, scope: str) -> None:
    """A scope allows what it says, nothing else; what it doesn't allow costs no upstream call."""
    token = signed(scope=scope)
    for letter, query in [*REQUESTS.items(), *MORE.items()]:
        if letter in SCOPES[scope] and letter in "cu" and "r" not in SCOPES[scope]:
            continue  # see below
        sandbox.forget_calls()
        assert allows(await gateway(query, token=token)) == (letter in SCOPES[scope]), letter
        if letter not in SCOPES[scope]:
            assert sandbox.calls == []


async def test_who_may_only_write_is_not_shown_the_group(gateway: Gateway) -> None:
    """The change is made; of the group, which may hold anything, nothing is shown."""
    token = signed(scope="user/Group.write")
    for query, field in ((RENAME, "updateGroup"), (CREATE, "createGroup")):
        answer = await gateway(query, token=token)
        assert answer["data"] == {field: {"group": None, "issues": []}}
        assert code(answer) == "FORBIDDEN"
        assert answer["errors"][0]["path"] == [field, "group"]
    found = await gateway(NAME, token=signed())
    assert found["data"]["group"]["name"] == "Renamed"


@pytest.mark.parametrize("name", ["scope", "scp"])
async def test_where_scopes_stand(gateway: Gateway, name: str) -> None:
    """Scopes are in `scope` as a text, or in `scp` as a list."""
    value = "user/Group.read" if name == "scope" else ["openid", 1, "user/Group.read"]
    token = signed(**{"scope": None, name: value})
    assert await gateway(NAME, token=token) == FOUND
    assert code(await gateway(RENAME, token=token)) == "FORBIDDEN"


@pytest.mark.parametrize("claims", [{"scope": None}, {"scope": 1}, {"scope": None, "scp": {}}])
async def test_a_token_without_scopes_allows_nothing(gateway: Gateway, claims: Any) -> None:
    """Where the upstream can't tell callers apart, a right without a grant is refused."""
    assert code(await gateway(NAME, token=signed(**claims))) == "FORBIDDEN"


async def test_answers_of_others_are_not_for_who_may_not_read(
    gateway: Gateway, sandbox: Sandbox
) -> None:
    """Neither ready answers nor entries of the same person's better token are given away."""
    for _ in range(3):
        assert await gateway(NAME, token=signed()) == FOUND
        answer = await gateway(NAME, token=signed(scope="user/Group.write"))
        assert (answer["data"], code(answer)) == ({"group": None}, "FORBIDDEN")
    assert len(sandbox.calls) == 2


async def test_two_callers_share_nothing(gateway: Gateway, sandbox: Sandbox) -> None:
    """Each caller's entries are its own, though the upstream would show both the same."""
    for subject in ("ada", "grace", "ada", "grace"):
        assert await gateway(NAME, token=signed(sub=subject)) == FOUND
    assert len([call for call in sandbox.calls if call.startswith("GET")]) == 2


async def test_a_new_token_of_the_same_caller_shares_its_entries(
    gateway: Gateway, sandbox: Sandbox
) -> None:
    """A token is renewed every few minutes; what was read for its caller stays good."""
    for number in range(3):
        assert await gateway(NAME, token=signed(jti=f"{number}")) == FOUND
    assert len([call for call in sandbox.calls if call.startswith("GET")]) == 1


async def test_api_keys(open_gateway: Any, service: Any, tmp_path: Path, sandbox: Sandbox) -> None:
    """A key of the file lets its caller in, with its scopes; no other key does, and no digest."""
    keys = {"reader": "user/Group.read", "editor": "user/Group.*"}
    digests = {name: hashlib.sha256(f"key of {name}".replace(" ", "-").encode()) for name in keys}
    file = tmp_path / "keys"
    lines = [f"{name}  {digests[name].hexdigest()}  {scope}" for name, scope in keys.items()]
    file.write_text("\n".join(["# who may come", "", *lines]))
    gateway = await open_gateway(callers="api-keys", api_keys_file=str(file), **service)
    assert await gateway(NAME, token="key-of-reader") == FOUND
    assert code(await gateway(CREATE, token="key-of-reader")) == "FORBIDDEN"
    assert "errors" not in await gateway(CREATE, token="key-of-editor")
    sandbox.forget_calls()
    for wrong in ("key-of-nobody", digests["editor"].hexdigest(), "reader"):
        assert code(await gateway(NAME, token=wrong)) == "UNAUTHENTICATED"
    response = await gateway.http.post("/graphql", json={"query": NAME})
    assert code(response.json()) == "UNAUTHENTICATED"
    assert sandbox.calls == []


async def test_people_need_scopes_of_their_own(
    open_gateway: Any, service: Any, by_token: Any, sandbox: Sandbox
) -> None:
    """What a group refers to is read only with a scope for its type, cache or not."""
    gateway = await open_gateway(resolve_members="upstream", **by_token, **service)
    query = f"""{{ group(id: "{TEST_GROUP_ID}") {{ name member(count: 1) {{ entity {{
        resource {{ ... on Patient {{ id name {{ family }} }} }} }} }} }} }}"""
    for _ in range(2):
        for scope in ("user/Group.read user/Patient.read", "user/*.read"):
            answer = await gateway(query, token=signed(scope=scope))
            [member] = answer["data"]["group"]["member"]
            assert member["entity"]["resource"]["name"][0]["family"]
        sandbox.forget_calls()
        answer = await gateway(query, token=signed(scope="user/Group.read user/Device.read"))
        assert code(answer) == "FORBIDDEN"
        assert answer["errors"][0]["path"] == ["group", "member", 0, "entity", "resource"]
        assert answer["data"]["group"]["member"] == [{"entity": {"resource": None}}]
        assert answer["data"]["group"]["name"]
        assert not any("/Patient" in call for call in sandbox.calls)
