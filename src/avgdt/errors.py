"""Base class of the errors of avgdt, and remedies for missing packages and unknown names."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from difflib import get_close_matches


class AvgdtError(Exception):
    """Base class of errors that the user can correct; the message names the file or field and a remedy."""

    reported = False
    """Whether another process of a distributed training run has already reported this error."""


def missing_package(need: str, package: str) -> str:
    """Return an error message about a missing optional ``package`` for ``need``, with the command that installs it."""
    return f"{need} needs {package}; run: {sys.executable} -m pip install {package}"


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """Return the end of an error message about the unknown name ``wrong``.

    The text names the most similar known name or, if no name is similar, all known names.
    """
    known = sorted(known)
    close = get_close_matches(wrong, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
