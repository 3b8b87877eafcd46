"""The options of a protocol as a result tells them."""

from __future__ import annotations

from typing import Any

from avgdt.recipes.config import KIND, to_plain

UNTOLD = (KIND, "jobs", "cache")
"""What changes nothing of what is measured."""


def told_options(options: object) -> dict[str, Any]:
    """A protocol's dataclass as plain data, equal to what is read back from JSON."""
    return {name: value for name, value in to_plain(options).items() if name not in UNTOLD}
