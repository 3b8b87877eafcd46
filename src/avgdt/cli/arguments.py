"""Command lines read into dataclasses, and their mistakes told in one line."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import TypeVar

import tyro

from avgdt.errors import AvgdtError
from avgdt.recipes.config import read_yaml
from avgdt.recipes.named import RECIPES, named, with_composition
from avgdt.recipes.recipe import Recipe

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


def chosen_recipe(arguments: Sequence[str]) -> tuple[Recipe | None, list[str]]:
    """The recipe, None where none is named, and the rest of the command line.

    Raises :class:`UsageError` for what names two or half of one, and the errors of what it reads.
    """
    name, rest = positional(arguments)
    config, rest = taken(rest, "--config", "FILE.yaml")
    composition, rest = taken(rest, "--composition", "NAME")
    if name is not None and config is not None:
        raise UsageError("give either a RECIPE or --config FILE.yaml")
    if name is None and config is None:
        if composition is not None:
            raise UsageError(f"--composition {composition} changes a recipe: give a RECIPE or --config FILE.yaml too")
        return None, rest
    recipe = named(name) if name is not None else read_yaml(Path(str(config)))
    return recipe if composition is None else with_composition(recipe, composition), rest


def recipe_of_help(rest: Sequence[str], usage: str) -> Recipe:
    """The recipe whose fields ``--help`` shows where none is named; raise :class:`UsageError` where it is not asked."""
    if not {"-h", "--help"} & set(rest):
        raise UsageError(f"which recipe? {usage}; recipes: {', '.join(RECIPES)}")
    print("(the defaults shown are those of the recipe `paper`)", file=sys.stderr)
    return named("paper")


def _one_line(box: str, command: str) -> str:
    """The words of the parser's boxed message, without frame and title."""
    lines = [re.sub(r"[│╭╮╰╯]", " ", line).strip() for line in box.splitlines()]
    words = " ".join(line for line in lines if line and not set(line) <= set("─ ") and not line.startswith("─"))
    words = words.split("For full helptext")[0].split("Argument helptext")[0].strip()
    return f"{words.rstrip('.')}. See avgdt {command} --help"
