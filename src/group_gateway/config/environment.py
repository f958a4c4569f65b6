"""Read the settings: flags, environment variables, secret files, a `.env` file."""

import difflib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from dotenv.parser import parse_stream
from msgspec import inspect

from group_gateway.config.consistency import SettingsError, check
from group_gateway.config.service_links import is_service_link
from group_gateway.config.settings_table import PREFIX, SECRETS, SETTINGS, Settings

_FILE = "_file"
_BOOLEAN_WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_SECRET_FILES = {name + _FILE: name for name in SECRETS}
"""Settings that name a file with a secret, and the setting that the file replaces."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value as written, and its source, such as `--port` or `GROUP_GATEWAY_PORT`."""

    value: Any
    source: str


def read_settings(
    environment: Mapping[str, str],
    flags: Mapping[str, Any],
    *,
    dotenv: Path | None = None,
    unless_set: Mapping[str, str] | None = None,
    serving: bool = True,
) -> Settings:
    """Read and check the settings. Raises SettingsError.

    Flags take precedence over variables, and variables over the `.env` file. An unknown setting is
    an error that names the nearest known one. An empty variable counts as unset, whatever the file
    says. `unless_set` holds defaults for this command. A command that is not `serving` may leave
    authentication unset.
    """
    settings = convert(read_given(environment, flags, dotenv=dotenv, unless_set=unless_set))
    check(settings, serving=serving)
    return settings


def read_given(
    environment: Mapping[str, str],
    flags: Mapping[str, Any],
    *,
    dotenv: Path | None = None,
    unless_set: Mapping[str, str] | None = None,
) -> dict[str, Given]:
    """Return the given values and their sources; raise SettingsError."""
    variables = {name: Given(value, f"{dotenv}") for name, value in _dotenv(dotenv)}
    variables |= {
        name: Given(value, name)
        for name, value in environment.items()
        if not is_service_link(name, value)
    }
    found = {
        (name := _known(variable)): Given(_word(name, given.value.strip()), given.source)
        for variable, given in variables.items()
        if variable.startswith(PREFIX)
    }
    found = _with_secrets({name: given for name, given in found.items() if given.value})
    own = {name: Given(value, "the command") for name, value in (unless_set or {}).items()}
    flagged = {
        name: Given(_word(name, value), "--" + name.replace("_", "-"))
        for name, value in flags.items()
        if value is not None
    }
    return {**own, **found, **flagged}


def read_one(name: str, environment: Mapping[str, str], *, dotenv: Path | None = None) -> Any:
    """Read one setting, whatever the others are; raise SettingsError."""
    variables = dict(_dotenv(dotenv)) | dict(environment)
    variable = PREFIX + name.upper()
    one = {variable: variables[variable]} if variable in variables else {}
    return getattr(convert(read_given(one, {})), name)


def convert(given: Mapping[str, Given]) -> Settings:
    """Return typed settings; raise SettingsError for a value of the wrong type."""
    for name, each in given.items():
        _check_value(name, each)
    raw = {name: each.value for name, each in given.items()}
    return msgspec.convert(raw, Settings, strict=False)


def _dotenv(path: Path | None) -> Iterator[tuple[str, str]]:
    if path is None or not path.is_file():
        return
    try:
        bindings = list(parse_stream(io.StringIO(path.read_text("utf-8-sig"))))
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{path} can't be read as a file of settings.") from None
    for binding in bindings:
        if binding.error and PREFIX in binding.original.string:
            place = f"{path}, line {binding.original.line + _blank_lines(binding.original.string)}"
            raise SettingsError(f"{place}, can't be read: write NAME=value, quotes in pairs.")
        if binding.key is not None:
            yield binding.key, binding.value or ""


def _blank_lines(text: str) -> int:
    """Return the number of blank lines at the start."""
    return text[: len(text) - len(text.lstrip())].count("\n")


def _with_secrets(found: dict[str, Given]) -> dict[str, Given]:
    """Replace each secret file by the secret that it holds."""
    for file, name in _SECRET_FILES.items():
        if file not in found:
            continue
        path = Path(found.pop(file).value)
        variable = f"{PREFIX}{file.upper()}"
        if name in found:
            raise SettingsError(f"Set {PREFIX}{name.upper()} or {variable}, not both.")
        found[name] = Given(_secret(path, variable), f"{variable} ({path})")
    return found


def _secret(path: Path, variable: str) -> str:
    try:
        text = path.read_text("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{variable} is wrong: no text can be read from {path}.") from None
    if not text:
        raise SettingsError(f"{variable} is wrong: {path} is empty.")
    return text


def _known(variable: str) -> str:
    name = variable.removeprefix(PREFIX).lower()
    if name in SETTINGS or name in _SECRET_FILES:
        return name
    names = [*SETTINGS, *_SECRET_FILES]
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0)[0]
    raise SettingsError(f"There is no setting {variable}; did you mean {PREFIX}{nearest.upper()}?")


def _word(name: str, value: Any) -> Any:
    """Return a value in the case that its setting expects, where that lists words."""
    match _TYPES.get(name), value:
        case inspect.BoolType(), str():
            return _BOOLEAN_WORDS.get(value.lower(), value)
        case inspect.LiteralType(), str():
            return value.lower()
        case _:
            return value


def _check_value(name: str, given: Given) -> None:
    """Check one value by itself. The error never repeats it, because it may be a secret."""
    try:
        msgspec.convert({name: given.value}, Settings, strict=False)
    except msgspec.ValidationError:
        is_flag = given.source.startswith("--")
        setting = given.source if is_flag else f"{PREFIX}{name.upper()}"
        raise SettingsError(f"{setting} is wrong: it takes {_taken_by(_TYPES[name])}.") from None


def _taken_by(kind: inspect.Type) -> str:
    """Return a description of the values that a type accepts."""
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
            return "three octal digits, such as 660" if _has_pattern(kind) else "a text"


def _has_pattern(kind: inspect.Type) -> bool:
    """Return whether a type is text with a pattern, which only permissions are."""
    return isinstance(kind, inspect.StrType) and kind.pattern is not None


_TYPES = {field.name: field.type for field in inspect.type_info(Settings).fields}  # type: ignore[attr-defined]
