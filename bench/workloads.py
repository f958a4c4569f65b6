"""The five workloads: what is asked, and what must be answered, in each gateway's own words. Pure.

W1 is one group of 3 members, another one each time; W2 a list of 100 groups of about 10; W3 one
group of 1,000; W4 50 groups by 50 aliases; W5 one group of 10,000. All ask for the same elements.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from bench.resources import LISTED, Catalogue, Resource

FIELDS = (
    "id resourceType type actual name quantity member{entity{reference type} inactive}"
    " characteristic{code{text} valueCodeableConcept{text} exclude}"
)
DIFFERENT = 64
"""Groups that W1 asks for in turn."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Bodies that are sent in turn, and the `data` that answers the first.

    `path` is what the upstream is then asked for, and `entries` into how many the cache takes it.
    """

    name: str
    bodies: tuple[bytes, ...]
    expected: Any
    path: str = ""
    entries: int = 1
    warming: tuple[bytes, ...] = ()
    """Other bodies for the warm-up, where no answer may be ready before the timed run."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How a gateway's schema puts the list, and shows a group.

    `listing` has `FIELDS` in it; `listed` makes the list's value from the groups that it holds.
    """

    listing: str
    variables: dict[str, Any]
    listed: Callable[[list[Any]], Any]
    show: Callable[[Resource], Any]

    def workloads(self, catalogue: Catalogue) -> dict[str, Workload]:
        """Return the workloads by name."""
        together = enumerate(catalogue.together)
        aliases = (f'g{i}: group(id: "{one["id"]}") {{ {FIELDS} }}' for i, one in together)
        shown = [self.show(one) for one in catalogue.listed]
        made = (
            self._one("W1", catalogue.small[:DIFFERENT]),
            Workload(
                "W2",
                (body("List", self.listing, self.variables),),
                {"groups": self.listed(shown)},
                f"/Group?_count={LISTED}&_offset=0",
            ),
            self._one("W3", [catalogue.large]),
            Workload(
                "W4",
                (body("Many", f"query Many {{ {' '.join(aliases)} }}", None),),
                {f"g{i}": self.show(one) for i, one in enumerate(catalogue.together)},
                f"/Group?_id={','.join(one['id'] for one in catalogue.together)}",
                len(catalogue.together),
            ),
            self._one("W5", [catalogue.largest]),
        )
        return {workload.name: workload for workload in made}

    def _one(self, name: str, groups: list[Resource]) -> Workload:
        bodies = tuple(one_body(one["id"]) for one in groups)
        return Workload(name, bodies, {"group": self.show(groups[0])}, f"/Group/{groups[0]['id']}")


def one_body(id: str) -> bytes:
    """Ask for one group; every gateway's schema puts it so."""
    query = f"query One($id: ID!) {{ group(id: $id) {{ {FIELDS} }} }}"
    return body("One", query, {"id": id})


def list_body(count: int) -> bytes:
    """Ask our own schema for the first groups."""
    return body("List", CONNECTION.listing, {"count": count})


def body(name: str, query: str, variables: Any) -> bytes:
    """Make the body of a POST."""
    parts = {"query": query, "variables": variables, "operationName": name}
    return msgspec.json.encode({key: part for key, part in parts.items() if part is not None})


def _shown(group: Resource, *, type: str, absent: Any) -> Any:
    """Show what is asked for; `absent` stands for an `inactive` that is not there."""
    texts = ("code", "valueCodeableConcept")
    return {
        **{key: group[key] for key in ("id", "resourceType", "actual", "name", "quantity")},
        "type": type,
        "member": [
            {"entity": one["entity"], "inactive": one.get("inactive", absent)}
            for one in group["member"]
        ],
        "characteristic": [
            {**{key: {"text": one[key]["text"]} for key in texts}, "exclude": one["exclude"]}
            for one in group["characteristic"]
        ],
    }


def _as_contract(group: Resource) -> Any:
    """Show a group as our schema does: enum names, and FHIR's default for `inactive`."""
    return _shown(group, type=group["type"].upper(), absent=False)


def _as_json(group: Resource) -> Any:
    """Show a group as the upstream has it."""
    return _shown(group, type=group["type"], absent=None)


_PAGE = (
    "query List($count: Int, $offset: Int)"
    f" {{ groups(count: $count, offset: $offset) {{ {FIELDS} }} }}"
)
_PAGE_VARIABLES = {"count": LISTED, "offset": 0}

CONNECTION = Wording(
    f"query List($count: Int) {{ groups(first: $count) {{ nodes {{ {FIELDS} }} }} }}",
    {"count": LISTED},
    lambda groups: {"nodes": groups},
    _as_contract,
)
"""Our own contract."""
PLAIN = Wording(_PAGE, _PAGE_VARIABLES, lambda groups: groups, _as_json)
"""A list of groups, for what turns the upstream's Bundle into one."""
BUNDLE = Wording(
    _PAGE.replace(FIELDS, f"entry {{ resource {{ {FIELDS} }} }}"),
    _PAGE_VARIABLES,
    lambda groups: {"entry": [{"resource": group} for group in groups]},
    _as_json,
)
"""The upstream's Bundle, for what can't look inside it by configuration alone."""
