"""Parsing of command lines into dataclasses and recipes; invalid command lines raise errors with one-line messages."""

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
    """Raised if a command line is invalid; the message names the option and a remedy."""


def parse(kind: type[T], arguments: Sequence[str], command: str, description: str, default: T | None = None) -> T:
    """Parse ``arguments`` into the dataclass ``kind``, whose field docstrings are the help texts.

    The option ``--help`` prints the help texts and exits with code 0. Raises :class:`UsageError` for invalid arguments.
    """
    errors = io.StringIO()
    try:
        with redirect_stderr(errors):
            parsed: T = tyro.cli(  # type: ignore[assignment]  # None is a default, never a result
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


def check_at_least(option: str, value: int, least: int) -> None:
    """Raise :class:`UsageError` if the value of a numeric option is below ``least``."""
    if value < least:
        raise UsageError(f"{option}: {value}; use {least} or more")


def positional(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the first argument, or None if it is an option, and the remaining arguments."""
    if arguments and not arguments[0].startswith("-"):
        return arguments[0], list(arguments[1:])
    return None, list(arguments)


def pop_option(arguments: Sequence[str], option: str, placeholder: str) -> tuple[str | None, list[str]]:
    """Return the value of ``option``, or None if it is absent, and the arguments without the option and its value.

    Raises :class:`UsageError` if the option has no value; ``placeholder`` stands for the value in the message.
    """
    for index, word in enumerate(arguments):
        if word == option:
            if index + 1 == len(arguments):
                raise UsageError(f"{option} needs a value: {option} {placeholder}")
            return arguments[index + 1], [*arguments[:index], *arguments[index + 2 :]]
        if word.startswith(f"{option}="):
            return word.removeprefix(f"{option}="), [*arguments[:index], *arguments[index + 1 :]]
    return None, list(arguments)


def selected_recipe(arguments: Sequence[str]) -> tuple[Recipe | None, list[str]]:
    """Return the recipe that RECIPE or --config selects, or None without either, and the remaining arguments.

    The option --composition changes the composition of the recipe. Raises :class:`UsageError` if both RECIPE and
    --config are given, or --composition without either, and :class:`avgdt.recipes.errors.RecipeError` for an unknown
    name or an invalid file.
    """
    name, rest = positional(arguments)
    config, rest = pop_option(rest, "--config", "FILE.yaml")
    composition, rest = pop_option(rest, "--composition", "NAME")
    if name is not None and config is not None:
        raise UsageError("RECIPE and --config are both given; use only one")
    if name is None and config is None:
        if composition is not None:
            raise UsageError(f"--composition {composition} needs a recipe; add RECIPE or --config FILE.yaml")
        return None, rest
    recipe = named(name) if name is not None else read_yaml(Path(str(config)))
    return recipe if composition is None else with_composition(recipe, composition), rest


def help_recipe(rest: Sequence[str], usage: str) -> Recipe:
    """Return the recipe whose defaults ``--help`` prints if RECIPE is missing.

    Raises :class:`UsageError` without ``--help``.
    """
    if not {"-h", "--help"} & set(rest):
        raise UsageError(f"RECIPE is missing; usage: {usage}; recipes: {', '.join(RECIPES)}")
    print("(defaults are taken from the recipe `paper`)", file=sys.stderr)
    return named("paper")


def _one_line(box: str, command: str) -> str:
    """Return the parser's boxed message as one line, without frame and title."""
    lines = [re.sub(r"[│╭╮╰╯]", " ", line).strip() for line in box.splitlines()]
    words = " ".join(line for line in lines if line and not set(line) <= set("─ ") and not line.startswith("─"))
    words = words.split("For full helptext")[0].split("Argument helptext")[0].strip()
    return f"{words.rstrip('.')}. See avgdt {command} --help"
