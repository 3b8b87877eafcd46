"""What can be wrong with the data or the weights of an evaluation."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from avgdt.errors import AvgdtError


class EvaluationError(AvgdtError):
    """The evaluation cannot be done as asked; the message names the column, split or file and the remedy."""


def suggestion(name: str, names: Iterable[str]) -> str:
    """``did you mean 'digit'?`` where a name is close, else the list of names, for the end of a message."""
    known = sorted(names)
    close = get_close_matches(name, known, n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"there is: {', '.join(known)}" if known else "there is none"
