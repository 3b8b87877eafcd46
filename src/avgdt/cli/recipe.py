"""Which recipe a command line names: by its name or by --config, before its fields are changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avgdt.cli.arguments import UsageError, positional
from avgdt.recipes.config import read_yaml
from avgdt.recipes.named import named
from avgdt.recipes.recipe import Recipe


def chosen_recipe(arguments: Sequence[str]) -> tuple[Recipe | None, list[str]]:
    """The recipe, None where none is named, and the rest of the command line.

    Raises :class:`UsageError` for what names two or half of one, and the errors of what it reads.
    """
    name, rest = positional(arguments)
    config, rest = _taken(rest, "--config", "FILE.yaml")
    if name is not None and config is not None:
        raise UsageError("give either a RECIPE or --config FILE.yaml")
    if config is not None:
        return read_yaml(Path(config)), rest
    return None if name is None else named(name), rest


def _taken(arguments: Sequence[str], option: str, kind: str) -> tuple[str | None, list[str]]:
    """The value behind ``option``, None where it is not there, and the arguments without both."""
    if option not in arguments:
        return None, list(arguments)
    place = arguments.index(option)
    if place + 1 == len(arguments):
        raise UsageError(f"{option} lacks its value, {option} {kind}")
    return arguments[place + 1], [*arguments[:place], *arguments[place + 2 :]]
