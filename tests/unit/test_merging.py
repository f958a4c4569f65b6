"""A new value takes the place of what an input can say, and the rest of the old one stays."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from group_gateway.groups.writing.merging import GROUP, PERIOD, holds, merged

EXTENSION = [{"url": "https://example.org/x"}]
numbers = st.one_of(st.integers(-99, 99), st.floats(-9, 9), st.decimals(-9, 9, places=3))


def test_an_objects_hidden_part_stays_and_its_order_too():
    """What the input can't say stays where it is; what it could say and does not, goes."""
    old = {"id": "p", "start": "2025", "_end": {"extension": EXTENSION}, "end": "2026"}
    new = merged("period", PERIOD, old, {"end": "2027"})
    assert list(new.items()) == [("id", "p"), ("_end", {"extension": EXTENSION}), ("end", "2027")]


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
    assert merged("identifier", GROUP["identifier"], old, new) == [
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
    result = merged("characteristic", GROUP["characteristic"], old, new)
    assert [trait.get("id") for trait in result] == ["second", "first", None]
    assert result[0] == old[1]
    assert result[1] == {"code": {**code, "id": "c"}, "valueBoolean": True, "id": "first"}


@pytest.mark.parametrize(
    ("old", "new"),
    [(None, {"text": "x"}), ("bare", {"text": "x"}), ([1], {"text": "x"}), ({"a": 1}, "bare")],
)
def test_what_is_no_element_is_replaced(old, new):
    """Where the upstream holds nothing or nonsense the new value stands alone."""
    assert merged("code", GROUP["code"], old, new) == new
    assert merged("identifier", GROUP["identifier"], ["bare", 1], [{"value": "1"}]) == [
        {"value": "1"}
    ]


@given(numbers, numbers)
def test_a_number_keeps_its_digits_while_it_is_the_same(old, new):
    """The old digits stay for an equal number, else the new number is the one."""
    result = merged("value", None, old, new)
    assert result is (old if Decimal(str(old)) == Decimal(str(new)) else new)
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
