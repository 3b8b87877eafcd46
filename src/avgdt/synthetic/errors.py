"""Exception of the synthetic data set."""

from avgdt.errors import AvgdtError


class SyntheticDataError(AvgdtError):
    """Raised if a synthetic data set cannot be rendered with the given parameters or into the given folder."""
