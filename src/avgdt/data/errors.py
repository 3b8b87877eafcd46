"""The errors of data sets and their manifests."""

from avgdt.errors import AvgdtError


class DataError(AvgdtError):
    """Recordings that do not fit the command or recipe; the message names the folder or field and the remedy."""


class ManifestError(AvgdtError):
    """A manifest that cannot be read or written; the message names the file, the line and the column."""


class NotText(ManifestError):
    """A file that is not text, such as a recording, where a list was expected."""
