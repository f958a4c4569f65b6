"""Groups and members for property tests: whatever an upstream may store."""

from typing import Any

from hypothesis import strategies as st

KEYS = [f"Patient/{name}" for name in "abcdef"]
_texts = st.text("xyz", min_size=1, max_size=3)
_extensions = st.lists(
    st.fixed_dictionaries({"url": _texts, "valueDecimal": st.decimals(0, 9, places=2)}), max_size=2
)
_periods = st.dictionaries(st.sampled_from(["start", "end"]), st.just("2026-01-01"), min_size=1)

keys = st.lists(st.sampled_from(KEYS), unique=True)
"""References of patients, each once."""


def _entities(reference: str) -> st.SearchStrategy[Any]:
    full = st.fixed_dictionaries(
        {"reference": st.sampled_from([reference, f"{reference}/_history/1"])},
        optional={"type": st.just("Patient"), "display": _texts, "extension": _extensions},
    )
    return st.one_of(full, st.just(reference))


def _entries(reference: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"entity": _entities(reference)},
        optional={"inactive": st.booleans(), "period": _periods, "extension": _extensions},
    )


known = st.sampled_from(KEYS).flatmap(_entries)
"""A member by reference."""

strangers = st.sampled_from(
    [{"entity": {"identifier": {"value": "1"}}}, {"entity": {"reference": "urn:uuid:1"}}, {}, None]
)
"""Members that no input can name."""

groups = st.fixed_dictionaries(
    {
        "resourceType": st.just("Group"),
        "id": st.just("1"),
        "type": st.just("person"),
        "actual": st.just(value=True),
    },
    optional={
        "name": _texts,
        "text": st.fixed_dictionaries({"div": _texts}),
        "extension": _extensions,
        "member": st.lists(st.one_of(known, strangers), max_size=8),
    },
)
"""Patient groups."""


def wanted(key: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return a member for an input, as the schema makes it."""
    return st.fixed_dictionaries(
        {"entity": st.just({"reference": key, "type": "Patient"})},
        optional={"inactive": st.booleans(), "period": _periods},
    )


additions = keys.flatmap(lambda some: st.tuples(*map(wanted, some)))
"""Members to add, each once."""
