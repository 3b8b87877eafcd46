"""The one base of every error that a user can mend: shown as one line, exit code 2."""


class AvgdtError(Exception):
    """A mistake in what was asked or given; the message names the file or field and the remedy."""
