"""A resource goes back as it came: every element, in its place, every digit."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from group_gateway.fhir.group_resource import GroupResource, NotAGroup
from group_gateway.groups.writing.drafts import body_of, elements_of

HEAD = {"resourceType": "Group", "id": "1", "actual": True}
leaves = st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.text())
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=9,
)


def sent(raw: str) -> str:
    """Return the body of an update that changes nothing."""
    elements = elements_of(GroupResource.parse(raw.encode()))
    return body_of(elements, elements).decode()


@given(st.dictionaries(st.text("abc_", min_size=1), values, max_size=5))
def test_nothing_is_lost(extra):
    """Whatever JSON an upstream stores goes back as it was, in the same order."""
    raw = json.dumps(HEAD | extra)
    assert list(json.loads(sent(raw)).items()) == list(json.loads(raw).items())


@pytest.mark.parametrize(
    "number", ["1.10", "0.000", "140.0", "12345678901234567890.123456789", "1E+400", "-7", "5e-324"]
)
def test_digits_stay(number):
    """A decimal's trailing noughts are its precision, and large ones stay exact."""
    raw = f'{{"resourceType":"Group","id":"1","actual":true,"x":{number}}}'
    body = json.loads(sent(raw), parse_float=str, parse_int=str)
    assert body["x"].upper() == number.upper()


@pytest.mark.parametrize("number", ["1e99999999999999999999", "-1e-99999999999999999999"])
def test_a_number_that_can_not_be_kept(number):
    """A group with a number that no decimal holds is no group to write to, and no crash."""
    with pytest.raises(NotAGroup):
        sent(f'{{"resourceType":"Group","id":"1","x":{number}}}')


def test_what_the_upstream_computes_is_left_out():
    """Quantity and the members' names are not sent to an upstream that computes them."""
    entity = {"reference": "Patient/1", "display": "Name", "extension": [{"url": "x"}]}
    raw = json.dumps(
        HEAD | {"quantity": 1, "member": [{"entity": entity}, {"entity": "Patient/2"}]}
    )
    elements = elements_of(GroupResource.parse(raw.encode()))
    body = json.loads(body_of(elements, elements, computes=True))
    assert body["member"] == [
        {"entity": {"reference": "Patient/1", "extension": [{"url": "x"}]}},
        {"entity": "Patient/2"},
    ]
    assert "quantity" not in body
    assert "member" not in json.loads(body_of(HEAD | {"member": []}))


def test_an_upstream_stores_what_it_is_sent():
    """Names stay, and a quantity that counted the members, or the active ones, does so again."""
    entity = {"reference": "Patient/1", "display": "Name"}
    stored = HEAD | {"quantity": 1, "member": [{"entity": entity}]}
    more = {**stored, "member": [*stored["member"], {"entity": {"reference": "Patient/2"}}]}
    assert json.loads(body_of(more, stored)) == more | {"quantity": 2}
    former = {"entity": {"reference": "Patient/3"}, "inactive": True}
    with_former = {**stored, "member": [*stored["member"], former]}
    wider = {**with_former, "member": [*with_former["member"], {"entity": entity}]}
    assert json.loads(body_of(wider, with_former))["quantity"] == 2
    estimate = {"quantity": 500}
    assert json.loads(body_of(more | estimate, stored | estimate))["quantity"] == 500


def test_what_canvas_requires_is_always_sent():
    """A characteristic says whether it excludes, and a group that it is actual."""
    traits = {"characteristic": [{"code": {}}, {"exclude": True}, "nonsense"]}
    assert json.loads(body_of(traits)) == {"resourceType": "Group"} | traits
    body = json.loads(body_of(traits, computes=True))
    assert body == {
        "resourceType": "Group",
        "actual": True,
        "characteristic": [{"code": {}, "exclude": False}, {"exclude": True}, "nonsense"],
    }


@pytest.mark.parametrize("name", ["member", "characteristic"])
def test_nonsense_goes_back_as_it_came(name):
    """An element of another shape than FHIR's is the upstream's own business."""
    assert json.loads(sent(json.dumps(HEAD | {name: {"a": 1}})))[name] == {"a": 1}


def test_what_can_not_be_decoded():
    """JSON that is nested without end is no group to write to."""
    deep = '{"resourceType":"Group","id":"1","x":' + "[" * 100_000 + "]" * 100_000 + "}"
    with pytest.raises(NotAGroup):
        elements_of(GroupResource(deep.encode(), "1"))
