"""Reads the settings from where they stand: flags, variables, a `.env` file."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from dotenv import dotenv_values
from msgspec import inspect

from group_gateway.config.consistency import SettingsError, check
from group_gateway.config.settings import PREFIX, SETTINGS, Settings


def read_settings(
    environment: Mapping[str, str],
    flags: Mapping[str, Any],
    *,
    dotenv: Path | None = None,
    unless_set: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings: flags before variables before the `.env` file. Raises SettingsError.

    An unknown setting is an error with the nearest known name. A variable that is empty counts as
    not set, whatever the file says. `unless_set` stands for what none of them sets.
    """
    raw: dict[str, Any] = {}
    for variable, value in {**_file(dotenv), **environment}.items():
        if variable.startswith(PREFIX):
            raw[_known(variable)] = _boolean_words(value.strip())
    given = {name: value for name, value in flags.items() if value is not None}
    raw = {**(unless_set or {}), **{name: value for name, value in raw.items() if value}, **given}
    for name, value in raw.items():
        _check_value(name, value, "--" + name.replace("_", "-") if name in given else "")
    settings = msgspec.convert(raw, Settings, strict=False)
    check(settings)
    return settings


def _file(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    try:
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{path} can't be read as a file of settings.") from None
    return {name: value or "" for name, value in values.items()}


def _known(variable: str) -> str:
    name = variable.removeprefix(PREFIX).lower()
    if name in SETTINGS:
        return name
    nearest = difflib.get_close_matches(name, SETTINGS, n=1, cutoff=0)[0]
    raise SettingsError(f"There is no setting {variable}; did you mean {PREFIX}{nearest.upper()}?")


def _boolean_words(value: str) -> str:
    words = {"yes": "true", "on": "true", "no": "false", "off": "false"}
    return words.get(value.lower(), value)


def _check_value(name: str, value: object, flag: str) -> None:
    """Check one value by itself; the sentence never repeats it, for it may be a secret."""
    try:
        msgspec.convert({name: value}, Settings, strict=False)
    except msgspec.ValidationError:
        told = flag or f"{PREFIX}{name.upper()}"
        raise SettingsError(f"{told} is wrong: it takes {_taken_by(_TYPES[name])}.") from None


def _taken_by(kind: inspect.Type) -> str:
    """Say which values a setting of this type takes."""
    match kind:
        case inspect.BoolType():
            return "true or false (also yes and no, on and off, 1 and 0)"
        case inspect.IntType(ge=least, le=most):
            return f"a whole number from {least} to {most}"
        case inspect.FloatType(gt=None, ge=least, le=most):
            return f"a number from {least} to {most}"
        case inspect.FloatType(gt=bound, le=most):
            return f"a number above {bound}, at most {most}"
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(map(str, values))
        case _:
            return "a text"


_TYPES = {field.name: field.type for field in inspect.type_info(Settings).fields}  # type: ignore[attr-defined]
