"""Numbers and names as a person reads them; these are the template's filters."""

from __future__ import annotations

from pathlib import Path

NARROW = "\u202f"
"""A thin space at which no line breaks."""


def percent(share: float) -> str:
    """A share from 0 to 1 with one decimal."""
    return f"{100 * share:.1f}{NARROW}%"


def count(number: float) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{round(number):,}".replace(",", NARROW)


def duration(seconds: float) -> str:
    """Seconds, minutes, hours or days, whichever reads best."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours = round(seconds / 3600)
    if hours < 48:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{hours // 24} days {hours % 24} h"


def hours(seconds: float) -> str:
    """An amount of recordings in hours, or minutes where that is less than one."""
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.0f} minutes"


def millions(parameters: int) -> str:
    """A number of parameters in words."""
    return f"{parameters / 1e6:.2f} million" if parameters >= 10_000 else count(parameters)


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def printable(text: str | Path) -> str:
    """A file's name as text that any file can hold: bytes that are no UTF-8 and control characters are replaced."""
    told = str(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in told)


FILTERS = {f.__name__: f for f in (percent, count, duration, hours, millions, ordinal, printable)}
"""By the name under which templates use them."""
