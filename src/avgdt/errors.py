"""The base class of all errors that a user can correct; the command line prints one line and exits with code 2."""


class AvgdtError(Exception):
    """An error in the input, the options or the environment; the message names the file or field and a remedy."""
