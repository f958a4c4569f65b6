"""Random Groups, sound ones and broken ones, as JSON text.

Sound is what FHIR allows, at its edges too. Broken is a wrong type, a bad code, a number out of
range, null or a hole. Values of one kind are broken at a time, mostly, and in one way: what is
broken must not be hidden by something else that is.
"""

from dataclasses import dataclass
from random import Random
from typing import Any

from differential.json_text import Number, Pairs, written
from group_gateway.fhir.group_elements import DATA_TYPES, GROUP, ElementDefinition, Elements

PEOPLE = ("p1", "p2", "p3")
_TEXTS = (
    "responsibility", "PROCESS_REFILL_REQUESTS", "plain", "", " ", "ünï", "日本語", "e\u0301",
    "\U0001f600 twins", 'quo"te', "back\\slash", "a\nb\tc", "\x7f", "\u2028", "\x00", "x" * 300,
    "</script>", "null", "5", "Patient/p1",
)  # fmt: skip
_DATES = ("2024-02-30", "2024-01-01T00:00:00Z", "1970", "2024-01-01T00:00:00.123456+14:00")
_CODES = ("person", "animal", "practitioner", "device", "medication", "substance")
_BEYOND = (Number("1e999"), Number("-1e999"), Number("9" * 5000))
"""Numbers that neither float nor int can hold."""
_INTS = ("0", "-0", "1", "-1", "7", "2147483647", "-2147483648")
_FLOATS = (
    "0", "-0", "-0.0", "1", "-17", "0.1", "1.5", "2.50", "1e2", "1E+2", "12e-1", "1e-400", "5e-324",
    "1.7976931348623157e308", "9007199254740993", "123456789012345678901234567890", "3.0", "1e15",
    "0.30000000000000004", "100000000000000000000", "18446744073709551616", "1e16", "1e21",
    "123456789.125",
)  # fmt: skip
_REFERENCES = (
    *(f"Patient/{id}" for id in PEOPLE), "Practitioner/d1", "PractitionerRole/r1", "Device/v1",
    "Medication/m1", "Substance/s1", "Organization/o1", "Group/g1", "Group/g2", "Group/none",
    "http://upstream.test/Group/g1", "https://elsewhere.test/Patient/p1", "urn:uuid:1-2-3",
    "#contained", "Patient/", "Patient/p1/_history/2", "Patient/bad id", "",
)  # fmt: skip

_SOUND: dict[str, tuple[Any, ...]] = {
    "int": tuple(map(Number, _INTS)),
    "float": tuple(map(Number, _FLOATS)),
    "flag": (True, False),
    "code": _CODES,
    "date": _DATES,
    "reference": _REFERENCES,
}
# What a value is broken into, by what it should be.
_BROKEN: dict[str, tuple[Any, ...]] = {
    "text": (
        Number("5"), Number("0"), Number("-7"), True, None, [], Pairs(), ["a"], Number("1.5"),
        [None],
    ),
    "int": (
        "5", Number("3.0"), Number("1e2"), Number("2147483648"), Number("-2147483649"), True, None,
        Number("9223372036854775808"), Number("18446744073709551616"), Number("9" * 30), "", [],
        Number("4294967296"), Number("0.5"), Pairs(), Number("2147483647.0"), *_BEYOND,
    ),
    "flag": ("true", Number("0"), Number("1"), None, [], Pairs(), "", Number("1.0")),
    "float": ("1.5", True, False, None, [], Pairs(), "", "NaN", Number("9" * 320), *_BEYOND),
    "code": ("robot", "PERSON", "Person", "", Number("5"), None, [], Pairs(), True, ["person"]),
    "object": ("a bare text", "", Number("5"), None, [], [Pairs()], True, "Patient/p1"),
    "list": (Pairs(), "a bare text", None, [None], [[]], [Number("1")], ["bare"], True),
}  # fmt: skip

_EXTENSIONS = ("extension", "modifierExtension")
_KINDS_BY_TYPE = {
    "boolean": "flag",
    "decimal": "float",
    "unsignedInt": "int",
    "instant": "date",
    "dateTime": "date",
}
"""The kinds of FHIR's primitive types; other ones are texts."""
_KINDS_OF = {("Group", "type"): "code", ("Reference", "reference"): "reference"}
_EXTENSIBLE = {"Member": ("extension",), "Characteristic": _EXTENSIONS}
_TYPES = {name.removeprefix("Group"): elements for name, elements in DATA_TYPES.items()}
"""The table's types by their names in GraphQL, which objects may say for no reason."""


def _kind_of(owner: str, element: ElementDefinition) -> str:
    kind = _KINDS_OF.get((owner, element.name)) or _KINDS_BY_TYPE.get(element.type, "text")
    if element.elements:
        kind = element.type.removeprefix("Group")
    return f"[{kind}" if element.repeats else kind


def _shape(owner: str, elements: Elements, extensions: tuple[str, ...] = ()) -> dict[str, str]:
    kinds = {name: _kind_of(owner, element) for name, element in elements.items() if name != "id"}
    return kinds | dict.fromkeys(extensions, "[Extension")


_SHAPES: dict[str, dict[str, str]] = {
    "Group": _shape("Group", GROUP, _EXTENSIONS),
    "Extension": {
        "url": "text", "valueString": "text", "valueDecimal": "float", "valueCoding": "Coding",
        "extension": "[Extension",
    },
    **{name: _shape(name, _TYPES[name], _EXTENSIBLE.get(name, ())) for name in _TYPES},
}  # fmt: skip
"""The elements of each type, of which kinds they are: those of the table, and extensions."""
_HOLE = "hole"
"""The kind of what is broken by not being there."""
_NOTHING = "nothing"
"""The kind of a null among the items of a list."""
_KINDS = (*_BROKEN, "int", "float", "flag", _HOLE, _NOTHING)
_REQUIRED = {("Extension", "url")} | {
    (type, element.name)
    for type, elements in _TYPES.items()
    for element in elements.values()
    if element.required and element.elements
}
_DEEPEST = 5


@dataclass(frozen=True)
class Taste:
    """What a set of groups is like: which kinds are broken, how often, and how odd the rest is.

    `way` chooses the way in which they are (0 to 1); without one each is broken in its own.
    """

    broken: tuple[str, ...] = ()
    breakage: float = 0.0
    way: float | None = None
    oddity: float = 0.0

    @classmethod
    def random(cls, rng: Random) -> "Taste":
        """Make one up: sound, broken in one kind, or broken in all of them."""
        oddity = rng.choice((0.0, 0.0, 0.3, 1.0))
        roll = rng.random()
        if roll < 0.45:
            return cls(oddity=oddity)
        if roll < 0.9:
            return cls((rng.choice(_KINDS),), rng.choice((0.1, 0.5)), rng.random(), oddity)
        return cls(_KINDS, rng.choice((0.02, 0.2)), oddity=oddity)

    @property
    def is_sound(self) -> bool:
        """Whether nothing is broken."""
        return not self.broken


@dataclass(frozen=True)
class Resource:
    """A Group as the upstream has it: its JSON, its type if that is a text, and who is in it."""

    id: str
    raw: bytes
    type: str | None
    people: frozenset[str]


class GroupWriter:
    """Writes random Groups to a taste."""

    def __init__(self, rng: Random, taste: Taste) -> None:
        self._rng = rng
        self._taste = taste

    def group(self, id: str) -> Resource:
        """Write one Group."""
        shape = self._object("Group", 0)
        pairs = Pairs([("resourceType", "Group"), ("id", id), *shape])
        if self._chance(self._taste.oddity):
            self._rng.shuffle(pairs)
        text = written(pairs, self._rng, oddly=self._chance(self._taste.oddity))
        elements = dict(pairs)
        kind = elements.get("type")
        people = frozenset(ref for ref in _REFERENCES if f'"{ref}"' in text)
        is_text = isinstance(kind, str) and not isinstance(kind, Number)
        return Resource(id, text.encode(), kind if is_text else None, people)

    def _object(self, name: str, depth: int) -> Pairs:
        fullness = self._rng.choice((0.3, 0.7, 1.0)) if depth < _DEEPEST else 0.0
        pairs = Pairs()
        for element, kind in _SHAPES[name].items():
            required = (name, element) in _REQUIRED and not self._breaks(_HOLE)
            if required or self._chance(fullness):
                pairs.append((element, self._value(kind, depth + 1)))
        if self._chance(self._taste.oddity * 0.3):
            self._add_strangers(pairs, name)
        return pairs

    def _add_strangers(self, pairs: Pairs, name: str) -> None:
        """Add what GraphQL doesn't know, names that mean something, and names a second time."""
        strangers: list[tuple[str, Any]] = [
            ("extension", [Pairs([("url", "x"), ("valueDecimal", Number("1.000"))])]),
            ("valueDecimal", self._rng.choice(_BEYOND)),
            ("_name", Pairs([("id", "a")])),
            ("f0", "field"),
            ("Name", "capital"),
            ("", "empty"),
        ]
        if self._chance(0.5):
            told = self._rng.choice((name, "Query", None, Number("1")))
            pairs.append(("__typename", told))
        elif pairs:
            pairs.append(self._repeated(name, self._rng.choice(pairs)[0]))
        pairs.insert(self._rng.randint(0, len(pairs)), self._rng.choice(strangers))

    def _repeated(self, name: str, element: str) -> tuple[str, Any]:
        kind = _SHAPES[name].get(element)
        return (element, self._value(kind, _DEEPEST)) if kind else ("extra", Number("1"))

    def _value(self, kind: str, depth: int) -> Any:
        family = _family(kind)
        if self._breaks(family):
            ways, way = _BROKEN[family], self._taste.way
            return self._rng.choice(ways) if way is None else ways[int(way * len(ways))]
        if kind.startswith("["):
            return self._list(kind[1:], depth)
        if kind in _SHAPES:
            return self._object(kind, depth)
        return self._scalar(kind)

    def _list(self, kind: str, depth: int) -> list[Any]:
        many = kind == "Member" and self._chance(0.05)
        length = 40 if many else self._rng.choice((0, 1, 1, 2, 3))
        items = [self._value(kind, depth) for _ in range(length)]
        if self._breaks(_NOTHING):
            items.insert(self._rng.randint(0, length), None)
        return items

    def _scalar(self, kind: str) -> Any:
        return self._rng.choice(_SOUND.get(kind, _TEXTS))

    def _breaks(self, kind: str) -> bool:
        return kind in self._taste.broken and self._chance(self._taste.breakage)

    def _chance(self, probability: float) -> bool:
        return probability > 0 and self._rng.random() < probability


def _family(kind: str) -> str:
    if kind.startswith("["):
        return "list"
    if kind in _SHAPES:
        return "object"
    return kind if kind in _BROKEN else "text"
