"""The error of the synthetic data set."""

from avgdt.errors import AvgdtError


class SyntheticDataError(AvgdtError):
    """A synthetic data set cannot be rendered with these parameters, or not into this folder."""
