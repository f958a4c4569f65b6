"""All settings, with their defaults and what each is for."""

from group_gateway.config import PREFIX, SECRETS, SETTINGS, Settings


def page() -> str:
    """Return the page of settings."""
    defaults = Settings()
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_written(getattr(defaults, name))} | {purpose} |"
        for name, purpose in SETTINGS.items()
    ]
    files = ", ".join(f"`{PREFIX}{name.upper()}_FILE`" for name in sorted(SECRETS))
    return "\n".join([_HEAD.replace("FILES", files), *rows, "", _FOOT, ""])


def _written(default: object) -> str:
    """Return a default as a user would write it."""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, float):
        return f"`{default:g}`"
    return f"`{default}`" if default != "" else ""


_HEAD = """\
# Settings

Settings are environment variables. A file `.env` in the working directory may hold them too. A variable overrides the
file, and a flag (`--host`, `--port`, `--uds`, `--workers`, `--upstream-url`, `--log-level`) overrides both. An empty variable counts
as not set. An unknown one is an error. `group-gateway settings` prints the effective values, with secrets masked.

A secret can be read from a file at the start. These variables name such files: FILES.
Variables that Kubernetes sets for a Service called `group-gateway` are ignored.

| Variable | Default | What it is for |
|---|---|---|"""

_FOOT = "Switches take `true` and `false`, `yes` and `no`, `on` and `off`, `1` and `0`."
