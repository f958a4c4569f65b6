"""A new value takes the place of what an input can say, and the rest of the old one stays."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from group_gateway.fhir.group_elements import DATA_TYPES, GROUP
from group_gateway.groups.writing.merging import Malformed, holds, merged

PERIOD = DATA_TYPES["GroupMember"]["period"]
EXTENSION = [{"url": "https://example.org/x"}]
numbers = st.one_of(st.integers(-99, 99), st.floats(-9, 9), st.decimals(-9, 9, places=3))


def test_an_objects_hidden_part_stays_and_its_order_too():
    """What the input can't say stays where it is; what it could say and does not, goes."""
    old = {
        "id": "p",
        "start": "2025",
        "_start": {"id": "s"},
        "_end": {"extension": EXTENSION},
        "end": "2026",
    }
    new = merged(PERIOD, old, {"end": "2027"})
    assert list(new.items()) == [("id", "p"), ("_end", old["_end"]), ("end", "2027")]


def test_entries_are_known_by_what_identifies_them():
    """An identifier by system and value, a coding by system and code, whatever their order."""
    old = [
        {"system": "a", "value": "1", "extension": EXTENSION},
        {"system": "b", "value": "1", "id": "i2"},
        {"system": "a", "value": "1", "id": "i3"},
    ]
    new = [
        {"system": "b", "value": "1", "use": "old"},
        {"system": "c", "value": "1"},
        {"system": "a", "value": "1"},
        {"system": "a", "value": "1"},
        {"system": "a", "value": "1"},
    ]
    assert merged(GROUP["identifier"], old, new) == [
        {"system": "b", "value": "1", "use": "old", "id": "i2"},
        {"system": "c", "value": "1"},
        {"system": "a", "value": "1", "extension": EXTENSION},
        {"system": "a", "value": "1", "id": "i3"},
        {"system": "a", "value": "1"},
    ]


def test_a_trait_is_known_by_its_value_first():
    """Of traits with the same code the one with the same value is meant, else any one left."""
    code = {"text": "age"}
    old = [
        {"code": {**code, "id": "c"}, "valueQuantity": {"value": Decimal("1.0")}, "id": "first"},
        {"code": code, "valueQuantity": {"value": 2}, "id": "second"},
    ]
    new = [
        {"code": code, "valueQuantity": {"value": 2.0}},
        {"code": code, "valueBoolean": True},
        {"code": {"text": "sex"}, "valueBoolean": True},
    ]
    result = merged(GROUP["characteristic"], old, new)
    assert [trait.get("id") for trait in result] == ["second", "first", None]
    assert result[0] == old[1]
    assert result[1] == {"code": {**code, "id": "c"}, "valueBoolean": True, "id": "first"}


@pytest.mark.parametrize(
    ("old", "new"),
    [(None, {"text": "x"}), ("bare", {"text": "x"})],
)
def test_what_says_no_more_is_replaced(old, new):
    """Where the upstream holds nothing, or a text for the whole, the new value stands alone."""
    assert merged(GROUP["code"], old, new) == new
    assert merged(GROUP["name"], 5, "x") == "x"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("code", [{"text": "a"}], {"text": "x"}),
        ("code", 5, {"text": "x"}),
        ("name", ["a"], "x"),
        ("name", {"value": "a"}, "x"),
        ("identifier", ["bare"], [{"value": "1"}]),
        ("identifier", "bare", [{"value": "1"}]),
        ("managingEntity", {"identifier": [{"value": "1"}]}, {"identifier": {"value": "2"}}),
    ],
)
def test_what_is_not_as_fhir_has_it_is_not_replaced(name, old, new):
    """A value of another kind than FHIR's may hold anything: it is reported, not lost."""
    with pytest.raises(Malformed) as told:
        merged(GROUP[name], old, new)
    assert told.value.path[0] == name


def test_an_object_in_the_place_of_a_list_is_its_only_entry():
    """Converters from XML write lists of one so."""
    old = {"value": "1", "extension": EXTENSION}
    assert merged(GROUP["identifier"], old, [{"value": "1"}]) == [old]


REASON = {
    "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
    "valueCode": "unknown",
}


@pytest.mark.parametrize(
    ("old", "new", "result"),
    [
        ({"_start": {"extension": [REASON]}}, {"start": "1"}, {"start": "1"}),
        (
            {"_start": {"extension": [REASON, *EXTENSION], "id": "a"}},
            {"start": "1"},
            {"_start": {"id": "a", "extension": EXTENSION}, "start": "1"},
        ),
        ({"end": "1", "_end": {"extension": EXTENSION}}, {"start": "1"}, {"start": "1"}),
        ({"_end": {"extension": EXTENSION}}, {"start": "1"}, {"start": "1"}),
        ({"_other": 1}, {"start": "1"}, {"_other": 1, "start": "1"}),
    ],
)
def test_what_describes_a_value_goes_with_it(old, new, result):
    """`_x` does not outlive its `x`, nor say that a present value is absent."""
    assert merged(PERIOD, old, new) == result


@pytest.mark.parametrize(
    "value",
    [
        {"_valueBoolean": {"extension": [REASON]}},
        {"valueBoolean": True, "_valueBoolean": {"id": "a"}},
        {"valueString": "of R5", "_valueString": {}},
        {"valueRange": {"low": {"value": 1}}, "valueQuantity": {"value": 1}},
    ],
)
def test_a_choice_has_one_value(value):
    """A new value takes the place of every other one, and of what describes it."""
    old = {"code": {"text": "smoker"}, "id": "t", **value}
    new = {"code": {"text": "smoker"}, "valueCodeableConcept": {"text": "yes"}, "exclude": False}
    [after] = merged(GROUP["characteristic"], [old], [new])
    assert after == new | {"id": "t"}


def places(number: Any) -> int:
    """Return the number of digits after the point."""
    return len(str(number).partition(".")[2])


@given(numbers, numbers)
def test_a_number_keeps_its_digits_while_it_is_the_same(old, new):
    """The old digits stay for an equal number, unless the new one has more of them."""
    result = merged(DATA_TYPES["Quantity"]["value"], old, new)
    more = isinstance(new, Decimal) and places(new) > places(old)
    assert result is (old if Decimal(str(old)) == Decimal(str(new)) and not more else new)
    assert holds(result, new)


@pytest.mark.parametrize(
    ("actual", "wanted", "held"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"b": 2}, {"a": 1}, False),
        (None, {"a": 1}, False),
        ([{"a": 1, "b": 2}], [{"a": 1}], True),
        ([1, 2], [1], False),
        (None, [], True),
        ([], None, True),
        (False, None, False),
        (None, False, False),
        (1, True, False),
        (True, 1, False),
        (Decimal("5.0"), 5, True),
        (Decimal("0.1"), 0.1, True),
        (Decimal("0.1000001"), 0.1, False),
        ("1", 1, False),
    ],
)
def test_what_holds(actual, wanted, held):
    """A stored value may say more than was wanted, and numbers count by their value."""
    assert holds(actual, wanted) is held
