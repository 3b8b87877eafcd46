"""Errors of data sets and manifests."""

from avgdt.errors import AvgdtError


class DataError(AvgdtError):
    """Error of a data set that does not fit the command or the recipe."""


class ManifestError(AvgdtError):
    """Error of a manifest that cannot be read or written; the message names the file, line and column."""


class NotText(ManifestError):
    """Error of a binary file, such as a recording, in place of a manifest."""
