"""What FHIR leaves open, and what servers do otherwise: one server's ways, drawn at random."""

from dataclasses import dataclass, fields
from random import Random
from typing import Any, Literal

FILTERS = ("type", "patient", "member")


@dataclass(frozen=True)
class Profile:
    """The ways of one server.

    `paging`: by numbers (with page links or without), by tokens in a query or in a path, or not at
    all. `offset`: what a server
    that does not page by numbers does with `_offset`; "breaks" pages no more, as HAPI FHIR.
    `links` and `base_path` are how page links are written. `search_results` are whole groups, or
    what is left of them; with tagged `reads` a read gives a part too. `tag` is what tells states of
    a group apart, and `guards` whether a PUT on a condition is refused when it does not hold.
    """

    base_path: Literal["", "/fhir/R4"] = ""
    paging: Literal["numbers", "unlinked", "query", "base", "below-group", "below-base", "none"] = (
        "numbers"
    )
    offset: Literal["ignored", "refused", "breaks"] = "ignored"
    links: Literal["absolute", "other-host", "rooted", "relative"] = "absolute"
    leads_back: Literal["previous", "prev", "no"] = "previous"
    has_ends: bool = True
    largest_page: int = 100
    above_largest: Literal["lowered", "refused"] = "lowered"
    short_pages: bool = False
    last_page: Literal["ends", "is-empty", "circles", "is-empty-and-circles"] = "ends"
    self_link: Literal["all", "applied", "none"] = "applied"
    total: Literal["always", "asked", "never"] = "always"
    unknown: Literal["ignored", "refused"] = "ignored"
    filters: tuple[str, ...] = FILTERS
    id_lists: Literal["or", "literal", "refused"] = "or"
    statement: bool = True
    search_results: Literal["whole", "tagged", "without-members", "without-traits"] = "whole"
    reads: Literal["whole", "tagged"] = "whole"
    noise: Literal["none", "outcome", "bare-outcome", "include", "twice", "no-url", "empty"] = (
        "none"
    )
    search_mode: bool = True
    tag: Literal["etag", "version", "etag-only", "date", "nothing"] = "etag"
    versions: Literal["numbers", "words"] = "numbers"
    guards: bool = True
    conflict: Literal[412, 409] = 412
    computes_quantity: bool = False
    computes_display: bool = False
    answers_writes: Literal["group", "null", "empty", "outcome"] = "group"
    keeps_members: bool = False
    refuses_writes: int = 0
    history: Literal["linked", "whole", "refuses-count", "none"] = "none"

    @classmethod
    def random(cls, rng: Random) -> "Profile":
        """Draw a server: an everyday one, but for a few ways."""
        chosen: dict[str, Any] = {
            name: rng.choice(choices)
            for name, choices in _WAYS.items()
            if rng.random() < _SHARE.get(name, 0.35)
        }
        if chosen.get("filters") is None:
            chosen.pop("filters", None)
        else:
            chosen["filters"] = tuple(name for name in FILTERS if rng.random() < _HALF)
        # What nobody could know, or no page could be numbered by, is no server to be true to.
        if chosen.get("search_results"):
            chosen.pop("reads", None)
        is_unlinked = chosen.get("paging") == "unlinked"
        if chosen.get("noise") == "twice" and (is_unlinked or "paging" not in chosen):
            del chosen["noise"]
        if is_unlinked:
            chosen.setdefault("total", "never")  # a total would tell that more groups follow
            if chosen.get("largest_page") == 1:
                del chosen["largest_page"]
        ways = ("linked", "linked", "whole", "refuses-count", "none")
        chosen["history"] = Random(repr(chosen)).choice(ways)  # noqa: S311 - test data
        return cls(**chosen)

    def __str__(self) -> str:
        """Show what is not everyday."""
        plain = Profile()
        ways = {field.name: getattr(self, field.name) for field in fields(self)}
        told = (f"{n}={v!r}" for n, v in ways.items() if v != getattr(plain, n))
        return f"Profile({', '.join(told)})"

    @property
    def is_exact(self) -> bool:
        """Whether every change by others is refused or seen: nothing need ever be warned of."""
        return (
            self.guards
            and self.tag in {"etag", "version"}
            and not self.keeps_members
            and not self.refuses_writes
        )

    @property
    def shows_changes(self) -> bool:
        """Whether a client that reads a group can see that others changed it in between."""
        told = self.answers_writes == "group" or not self.keeps_members
        counted = self.versions == "numbers" or self.history in {"linked", "whole"}
        return self.tag in {"etag", "version"} and counted and told


_HALF = 0.5
_SHARE = {
    "paging": 0.6,
    "links": 0.5,
    "noise": 0.45,
    "tag": 0.5,
    "refuses_writes": 0.05,
    "reads": 0.06,
}
_WAYS = {
    "base_path": ("", "/fhir/R4"),
    "paging": ("query", "base", "below-group", "below-base", "none", "unlinked"),
    "offset": ("refused", "breaks"),
    "links": ("other-host", "rooted", "relative"),
    "leads_back": ("prev", "no"),
    "has_ends": (False,),
    "largest_page": (1, 2, 3, 5, 50),
    "above_largest": ("refused",),
    "short_pages": (True,),
    "last_page": ("is-empty", "circles", "is-empty-and-circles"),
    "self_link": ("all", "none"),
    "total": ("asked", "never"),
    "unknown": ("refused",),
    "filters": (True,),
    "id_lists": ("literal", "refused"),
    "statement": (False,),
    "search_results": ("tagged", "without-members", "without-traits"),
    "reads": ("tagged",),
    "noise": ("outcome", "bare-outcome", "include", "twice", "twice", "no-url", "empty"),
    "search_mode": (False,),
    "tag": ("version", "etag-only", "date", "nothing"),
    "versions": ("words",),
    "guards": (False,),
    "conflict": (409,),
    "computes_quantity": (True,),
    "computes_display": (True,),
    "answers_writes": ("null", "empty", "outcome"),
    "keeps_members": (True,),
    "refuses_writes": (405, 406, 415, 423, 428, 451, 501),
}
