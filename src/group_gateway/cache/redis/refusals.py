"""What Redis refuses, and why: a command's name and a code, without keys or values. Pure."""

import re

from redis.exceptions import AuthenticationError, ResponseError

from group_gateway.cache.entries import StoreRefusal

REFUSALS = (ResponseError, AuthenticationError)
"""What redis-py raises when the server answers with an error."""

_CODE = re.compile(r"\b(BUSY|MISCONF|NOPERM|NOREPLICAS|OOM|READONLY)\b")
"""In the texts of what a script met, and of codes that redis-py does not know."""
_NAMED = re.compile(r"no permissions to run the '([\w|]+)' command")
_FORBIDDEN = re.compile(r"can't run this command|no permissions", re.IGNORECASE)
_UNKNOWN = re.compile(r"unknown (redis )?command", re.IGNORECASE)
_IN_SCRIPT = re.compile(r"script", re.IGNORECASE)
_LOGIN = frozenset({"NOAUTH", "WRONGPASS"})
_LASTING = _LOGIN | {"NOPERM", "unknown command"}
"""Reasons that last until somebody changes the configuration."""


class CommandRefused(StoreRefusal, ResponseError):
    """The server answers a command with an error: `reason` is a code or a few words."""

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(f"Redis refuses {command} ({reason})", is_lasting=reason in _LASTING)
        self.command = command
        self.reason = reason


def refused(command: str, error: Exception) -> CommandRefused:
    """Return what stands for a server's error.

    The error's own text may have keys: that of an unknown command repeats the arguments.
    """
    text = str(error)
    reason = _reason(error, text)
    if reason in _LOGIN:
        command = "the user or password"
    elif named := _NAMED.search(text):
        command = named[1].upper()
    elif command == "EVAL" and _IN_SCRIPT.search(text):
        command = "a command in EVAL"
    return CommandRefused(command, reason)


def _reason(error: Exception, text: str) -> str:
    code = getattr(error, "status_code", None)
    if code and code != "ERR":
        return str(code)
    if _UNKNOWN.search(text):
        return "unknown command"
    if isinstance(error, AuthenticationError):
        return "WRONGPASS"
    if found := _CODE.search(text):
        return found[1]
    return "NOPERM" if _FORBIDDEN.search(text) else "ERR"
