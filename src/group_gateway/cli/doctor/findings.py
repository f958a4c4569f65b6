"""What the doctor finds: one sentence for each check, and what helps. Pure."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check came to.

    `warn`: the gateway works, less well than it could; `fail`: it won't work like this. `remedy`
    is one sentence, empty where nothing needs to be done. Neither holds a token, an id, or
    anything out of a resource.
    """

    check: str
    level: Level
    text: str
    remedy: str = ""


def ok(check: str, text: str) -> Finding:
    """Return the finding that all is well."""
    return Finding(check, "ok", text)


def warn(check: str, text: str, remedy: str = "") -> Finding:
    """Return the finding that the gateway works less well than it could."""
    return Finding(check, "warn", text, remedy)


def fail(check: str, text: str, remedy: str = "") -> Finding:
    """Return the finding that the gateway won't work like this."""
    return Finding(check, "fail", text, remedy)
