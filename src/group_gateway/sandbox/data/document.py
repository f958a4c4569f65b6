"""The six groups of the seed document, as its search example answers them."""

from typing import Any

from group_gateway.sandbox import wellknown as known

_THREE = (
    "cf10ff9d14d0429cb5bb7040611d1a24",
    "d7370b4c04f142abb594b634a8126a91",
    "bbfc07f009cb403882cd9d3661f1613b",
)
_GOLD = ("16a0895781ed4b15add239d4d1331524",)
_JESS = ("9578102aa5be415dae8133de22eff713",)
_KEVIN = (
    "a373ec4c17014d089a855dae552e7d88",
    "0c0ed63303624320be9cecd30e19897e",
    "31dfdc4e0f134ca49dfb9c4f40afe4c3",
    "4de53e023c02498294d5e0bb4890c876",
    "9076311ef40f4458af7209b9aaa4bcd3",
)
_GROUPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (known.TEST_GROUP_ID, "Test Group", _THREE),
    (known.TEST_GROUP_TWIN_ID, "Test Group", _THREE),
    (known.GOLD_KIDNEY_ID, "Gold Kidney Arizona", _GOLD),
    (known.JESS_ID, "Jess", _JESS),
    (known.EMPTY_GROUP_ID, "Reba Test", ()),
    (known.FAVORITES_ID, "Kevin Carey's Favorites", _KEVIN),
)


def seed_groups() -> list[dict[str, Any]]:
    """Return the document's groups in its order."""
    return [_group(identity, name, patients) for identity, name, patients in _GROUPS]


def _group(identity: str, name: str, patients: tuple[str, ...]) -> dict[str, Any]:
    return {
        "resourceType": "Group",
        "id": identity,
        "type": "person",
        "actual": True,
        "name": name,
        "member": [
            {"entity": {"reference": f"Patient/{patient}", "type": "Patient"}}
            for patient in patients
        ],
    }
