"""What can be wrong about the objective's inputs."""

from __future__ import annotations

from avgdt.errors import AvgdtError


class ObjectiveError(AvgdtError):
    """Views, keys, relations or sizes that do not fit together."""
