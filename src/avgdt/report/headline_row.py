"""Which of the rows of a result stands for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def headline_row(result: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The path to the row of the protocol itself, which stands first: empty where the result is a single row.

    None where nothing is told apart, such as in retrieval.
    """
    chance = result["chance"]
    if "accuracy" in chance:
        return ()
    return next(((name,) for name, row in chance.items() if isinstance(row, Mapping) and "accuracy" in row), None)
