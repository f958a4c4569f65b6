"""SIGHUP reloads the settings. Invalid settings change nothing and are logged."""

import logging
from collections.abc import Callable
from typing import Any

from group_gateway.server.command_failure import CommandFailed

Reread = Callable[[], Any]
"""Reads the settings again; raises CommandFailed."""
_log = logging.getLogger(__name__)


def reread_settings(reread: Reread) -> Any:
    """Return the current settings; None, and a line in the log, if they are wrong."""
    try:
        return reread()
    except CommandFailed as failure:
        _log.error("The settings are wrong, so the old ones stay in force: %s", failure)
        return None
