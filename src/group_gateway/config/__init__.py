"""Settings from flags, `GROUP_GATEWAY_*` variables, secret files and a `.env` file."""

from group_gateway.config.consistency import SettingsError
from group_gateway.config.environment import Given, convert, read_given, read_one, read_settings
from group_gateway.config.settings_table import PREFIX, SECRETS, SETTINGS, Settings

__all__ = [
    "PREFIX",
    "SECRETS",
    "SETTINGS",
    "Given",
    "Settings",
    "SettingsError",
    "convert",
    "read_given",
    "read_one",
    "read_settings",
]
