"""Formatting of numbers and file names, and the templates that use these functions as filters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from avgdt.files import write_atomically

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"
NARROW = "\u202f"
"""Narrow no-break space."""


def percent(fraction: float) -> str:
    """Return a fraction from 0 to 1 as a percentage with one decimal place."""
    return f"{100 * fraction:.1f}{NARROW}%"


def count(number: float) -> str:
    """Return a number rounded to an integer, with narrow spaces between thousands."""
    return f"{round(number):,}".replace(",", NARROW)


def duration(seconds: float) -> str:
    """Return a duration in seconds, minutes, hours or days, depending on its length."""
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
    """Return the total length of recordings in hours, or in minutes if it is less than one hour."""
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.0f} minutes"


def millions(parameters: int) -> str:
    """Return a number of parameters in millions, or in full if it is less than 10,000."""
    return f"{parameters / 1e6:.2f} million" if parameters >= 10_000 else count(parameters)


def printable(text: str | Path) -> str:
    """Return a file name or other text as valid UTF-8.

    Undecodable bytes and unprintable characters are replaced by U+FFFD.
    """
    decoded = str(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in decoded)


FILTERS = {f.__name__: f for f in (percent, count, duration, hours, millions, printable)}
"""Filters of the templates, by name."""


def template(name: str) -> Template:
    """Return the template ``name`` in the folder :data:`TEMPLATES`.

    It escapes values, and raises an error if a variable is undefined.
    """
    # Imported here, since every command imports `printable` but few need Jinja.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment.get_template(name)


def write(content: str | bytes, path: Path) -> None:
    """Write a page, table or plot to ``path`` atomically.

    Raises ``WriteError`` if the file cannot be written.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    write_atomically(path, lambda file: file.write(data), remedy="free some disk space and try again")
