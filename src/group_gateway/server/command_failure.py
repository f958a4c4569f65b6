"""The error by which a command ends early: one sentence for the user and exit status 1.

Settings have their own `SettingsError`; argparse says what is wrong with flags, exit status 2.
"""


class CommandFailed(Exception):
    """The command can't go on; the text is one sentence that says why, and what helps."""
