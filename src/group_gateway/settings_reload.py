"""Settings that are reloaded without a restart: those of how callers are authenticated."""

import logging

import msgspec

from group_gateway.config import Settings
from group_gateway.wiring import Core

_RELOADABLE = frozenset(
    {
        "allow_anonymous",
        "api_keys_file",
        "jwt_audience",
        "jwt_audit_claim",
        "jwt_issuer",
        "jwt_keys_url",
        "jwt_leeway",
    }
)
_log = logging.getLogger(__name__)


class SettingsReload:
    """Applies reloaded settings, as far as that needs no restart."""

    def __init__(self, core: Core, settings: Settings) -> None:
        self._core = core
        self._settings = settings

    def __call__(self, settings: Settings) -> None:
        """Authenticate by the reloaded settings; log which others need a restart."""
        fields = Settings.__struct_fields__
        changed = [n for n in fields if getattr(settings, n) != getattr(self._settings, n)]
        now = {name: getattr(settings, name) for name in changed if name in _RELOADABLE}
        if now:
            self._settings = msgspec.structs.replace(self._settings, **now)
            self._core.authenticator.use(self._core.build_authenticator(self._settings))
        later = ", ".join(name.upper() for name in changed if name not in _RELOADABLE)
        rest = f"; a restart is needed for {later}" if later else ""
        _log.info("The settings were read again%s.", rest)
