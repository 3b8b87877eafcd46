"""Command lines read into dataclasses, and their mistakes told in one line."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextlib import redirect_stderr
from typing import TypeVar

import tyro

from avgdt.errors import AvgdtError

T = TypeVar("T")


class UsageError(AvgdtError):
    """A command line that cannot be understood."""


def parse(kind: type[T], arguments: Sequence[str], command: str, description: str, default: T | None = None) -> T:
    """Read ``arguments`` into ``kind``, whose field docstrings are the help; raise :class:`UsageError`.

    ``--help`` prints and exits with 0.
    """
    errors = io.StringIO()
    try:
        with redirect_stderr(errors):
            parsed: T = tyro.cli(  # type: ignore[assignment]  # default is no result
                kind,
                args=list(arguments),
                prog=f"avgdt {command}",
                description=description,
                default=default,
                config=(tyro.conf.AvoidSubcommands,),
            )
            return parsed
    except SystemExit as leaving:
        if not leaving.code:
            raise
        raise UsageError(_one_line(errors.getvalue(), command)) from None


def positional(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The first argument where it is no option, and the rest."""
    if arguments and not arguments[0].startswith("-"):
        return arguments[0], list(arguments[1:])
    return None, list(arguments)


def taken(arguments: Sequence[str], option: str, kind: str) -> tuple[str | None, list[str]]:
    """The value of ``option``, None where it is not there, and the arguments without both.

    Raises :class:`UsageError` for an option without a value, which is to be of the kind that ``kind`` tells.
    """
    for place, word in enumerate(arguments):
        if word == option:
            if place + 1 == len(arguments):
                raise UsageError(f"{option} lacks its value, {option} {kind}")
            return arguments[place + 1], [*arguments[:place], *arguments[place + 2 :]]
        if word.startswith(f"{option}="):
            return word.removeprefix(f"{option}="), [*arguments[:place], *arguments[place + 1 :]]
    return None, list(arguments)


def _one_line(box: str, command: str) -> str:
    """The words of the parser's boxed message, without frame and title."""
    lines = [re.sub(r"[│╭╮╰╯]", " ", line).strip() for line in box.splitlines()]
    words = " ".join(line for line in lines if line and not set(line) <= set("─ ") and not line.startswith("─"))
    words = words.split("For full helptext")[0].split("Argument helptext")[0].strip()
    return f"{words.rstrip('.')}. See avgdt {command} --help"
