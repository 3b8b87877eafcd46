"""Exceptions raised for unusable data sets and manifests."""

from avgdt.errors import AvgdtError


class DataError(AvgdtError):
    """Raised if a data set cannot be read, or is unsuitable for the command or the recipe."""


class ManifestError(AvgdtError):
    """Raised if a manifest cannot be read or written; the message names the file and, if known, the line and column."""


class NotText(ManifestError):
    """Raised if a file to be read as a manifest is a binary file, such as a recording."""
