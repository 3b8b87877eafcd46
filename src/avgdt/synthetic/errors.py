"""Exception of the synthetic data set."""

from avgdt.errors import AvgdtError


class SyntheticDataError(AvgdtError):
    """Error raised if a synthetic data set cannot be rendered, or cannot be rendered into the given folder."""
