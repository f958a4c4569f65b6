"""Groups as servers have them: all of R4, R5's shape, extensions at every level, odd references."""

from random import Random
from typing import Any

from anyserver.digits import number

Elements = dict[str, Any]

PEOPLE = tuple(f"p{number}" for number in range(6))
STAFF = tuple(f"s{number}" for number in range(4))
EXTENSION = {"url": "https://example.org/x", "valueString": "kept"}
_ABSENT = {"extension": [{"url": "https://example.org/absent", "valueCode": "unknown"}]}
_ODD_ENTITIES: tuple[Elements, ...] = (
    {"reference": "https://other.example/fhir/Patient/p1"},
    {"reference": "urn:uuid:0b0f3f5e-5e4f-4f1b-9a3b-1d8d4d0f1d11"},
    {"reference": "#p1"},
    {"reference": "Patient?identifier=a|b"},
    {"reference": "Patient/under_score"},
    {"display": "Somebody whom nobody knows"},
    {"identifier": {"system": "urn:mrn", "value": "7"}},
    {"reference": "Patient/p2/_history/3"},
    {"reference": "Patient/p3", "display": "Ada", "type": "Patient"},
)
_NUMBERS = (2, number("1.10"), number("0.5"), number("120.00"))
_BROKEN = ("member-is-an-object", "trait-is-an-object", "name-is-half-a-letter")


class GroupWriter:
    """Writes random groups. `broken` maps the ids of groups that are no valid FHIR to how."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._odd = rng.random() < 0.5
        self._breaks = rng.random() < 0.25
        self.broken: dict[str, str] = {}

    def group(self, id: str) -> Elements:
        """Write a group with this id."""
        rng = self._rng
        staff = rng.random() < 0.3
        group: Elements = {
            "resourceType": "Group",
            "id": id,
            "type": "practitioner" if staff else "person",
            "actual": True,
            "name": f"Group {id}",
        }
        people = STAFF if staff else PEOPLE
        kind = "Practitioner" if staff else "Patient"
        chosen = rng.sample(people, rng.randint(0, len(people)))
        members = [self._member({"reference": f"{kind}/{person}"}) for person in chosen]
        if self._odd and not staff:
            members += [self._member(dict(e)) for e in rng.sample(_ODD_ENTITIES, rng.randint(0, 3))]
            if rng.random() < 0.4:  # a stranger beside one's own patient of the same id
                pair = ({"reference": "Patient/p1"}, dict(_ODD_ENTITIES[0]))
                members = [m for m in members if m["entity"] not in pair]
                members += [self._member(dict(entity)) for entity in pair]
        if members:
            group["member"] = members
        self._add_elements(group)
        self._add_traits(group, staff=staff)
        if self._odd and rng.random() < 0.15:
            del group["actual"]
            group["membership"] = "enumerated"
        if self._breaks and rng.random() < 0.3:
            self._break(group)
        return group

    def _member(self, entity: Elements) -> Elements:
        rng = self._rng
        member: Elements = {"entity": entity}
        if self._odd and rng.random() < 0.3:
            member["extension"] = [EXTENSION]
        if rng.random() < 0.15:
            member["inactive"] = True
        if rng.random() < 0.15:
            member["period"] = {"start": "2020-01-01", "_start": {"extension": [EXTENSION]}}
        return member

    def _add_elements(self, group: Elements) -> None:
        rng = self._rng
        more: Elements = {
            "active": rng.random() < 0.5,
            "quantity": rng.choice((25, len(group.get("member", ())))),
            "identifier": [{"system": "https://example.org/id", "value": group["id"]}],
            "code": {"text": "a code", "coding": [{"system": "urn:x", "code": "1"}]},
            "managingEntity": {"reference": "Organization/o1", "display": "Clinic"},
            "extension": [
                EXTENSION,
                {"url": "https://example.org/d", "valueDecimal": rng.choice(_NUMBERS)},
            ],
            "modifierExtension": [EXTENSION],
            "_name": {"extension": [EXTENSION]},
            "text": {"status": "generated", "div": "<div>é</div>"},
            "contained": [{"resourceType": "Patient", "id": "p1"}],
            "language": "en",
        }
        group |= {name: value for name, value in more.items() if rng.random() < 0.3}

    def _add_traits(self, group: Elements, *, staff: bool) -> None:
        rng = self._rng
        traits: list[Elements] = []
        if rng.random() < 0.3:
            traits.append({"code": {"text": "adult"}, "exclude": False, "valueBoolean": True})
        if rng.random() < 0.2:
            traits.append({"code": {"text": "smoker"}, "exclude": True, "_valueBoolean": _ABSENT})
        if staff and rng.random() < 0.3:
            traits.append(
                {
                    "code": {"text": "responsibility"},
                    "exclude": False,
                    "valueCodeableConcept": {"text": "night shift"},
                }
            )
        if traits:
            group["characteristic"] = traits

    def _break(self, group: Elements) -> None:
        how = self._rng.choice(_BROKEN)
        if how == "member-is-an-object":
            group["member"] = {"entity": {"reference": "Patient/p5"}}
        elif how == "trait-is-an-object":
            group["characteristic"] = {"code": {"text": "x"}, "exclude": False}
        else:
            group["name"] = "half a letter \ud83d"
        self.broken[group["id"]] = how


def members_of(group: Elements) -> list[Elements]:
    """Return a group's members, also where the one is no list."""
    members = group.get("member", [])
    return [members] if isinstance(members, dict) else list(members)


def references_of(group: Elements) -> list[str | None]:
    """Return the references of a group's members."""
    return [member["entity"].get("reference") for member in members_of(group)]


def unversioned(reference: str | None) -> str:
    """Return a reference without the version that it may name."""
    return str(reference).partition("/_history/")[0]
