"""The settings: `GROUP_GATEWAY_*` variables, a `.env` file, and flags. The only reader of both.

`cli` reads them; `app` obeys them. `table` has them all, `reading` takes them from where they
stand, `checks` holds them against each other and against what they name.
"""

from group_gateway.config.consistency import SettingsError
from group_gateway.config.environment import read_settings
from group_gateway.config.settings import PREFIX, SETTINGS, Settings

__all__ = ["PREFIX", "SETTINGS", "Settings", "SettingsError", "read_settings"]
