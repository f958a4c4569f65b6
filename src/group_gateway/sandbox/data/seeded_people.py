"""The people of the generated set: ids like the upstream's, and names.

A person's number is encoded in the id, so that the server can name a member (`entity.display`)
without a table of people.
"""

from hashlib import blake2b

_GIVEN = (
    "Amara", "Ben", "Carla", "Dmitri", "Elena", "Farid", "Grace", "Hiro", "Ines", "Jonas",
    "Keisha", "Liam", "Mei", "Noah", "Olga", "Priya", "Quentin", "Rosa", "Samir", "Tara",
    "Uma", "Victor", "Wanda", "Xavier", "Yara", "Zane", "Anton", "Bianca", "Cedric", "Dalia",
    "Emil",
)  # fmt: skip
_FAMILY = (
    "Abbott", "Baker", "Castillo", "Dunn", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanov",
    "Jensen", "Kim", "Lopez", "Moreau", "Nguyen", "Okafor", "Patel", "Quinn", "Rossi", "Santos",
    "Tanaka", "Ueda", "Vargas", "Walker", "Xu", "Young", "Zimmermann", "Ahmed", "Brown", "Cohen",
    "Diaz", "Evans", "Flores", "Green", "Hughes", "Ito", "Johnson", "Khan",
)  # fmt: skip
_HASHED = 24


def reference(kind: str, number: int) -> str:
    """Return the reference to the person with a number, such as `Patient/<32 hex digits>`."""
    return f"{kind}/{_digest(kind, number)}{number:08x}"


def display_of(person: str) -> str | None:
    """Return the name of the person behind a reference; None outside the generated set."""
    number = number_of(person)
    return None if number is None else " ".join(full_name(number))


def full_name(number: int) -> tuple[str, str]:
    """Return the given name and the family name of the person with a number."""
    return _GIVEN[number % len(_GIVEN)], _FAMILY[number * 7 % len(_FAMILY)]


def number_of(person: str) -> int | None:
    """Return the number behind a reference; None outside the generated set."""
    kind, _, identity = person.partition("/")
    try:
        number = int(identity[_HASHED:], 16)
    except ValueError:
        return None
    return number if number >= 0 and person == reference(kind, number) else None


def _digest(kind: str, number: int) -> str:
    return blake2b(f"{kind}/{number}".encode(), digest_size=_HASHED // 2).hexdigest()
