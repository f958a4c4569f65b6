"""What the doctor finds: one sentence for each check, and a remedy. Pure."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check.

    `warn`: the gateway works, but could work better; `fail`: it won't work like this. `remedy` is
    one sentence, empty if there is nothing to do. Neither holds a token, an id, or anything from a
    resource.
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
