"""The error that ends a command: one sentence for the user, and exit status 1.

Wrong settings raise `SettingsError` instead. argparse reports wrong flags with exit status 2.
"""


class CommandFailed(Exception):
    """The command can't continue. The text is one sentence with the reason and the remedy."""
