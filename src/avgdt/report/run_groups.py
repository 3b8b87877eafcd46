"""Runs that differ in nothing but the seed, taken together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from avgdt.evaluation.results import Result, read_folder
from avgdt.recipes.recipe import Recipe
from avgdt.report.errors import ReportError
from avgdt.report.run_folder import read_recipe
from avgdt.report.wording import printable

_SEED = re.compile(r"[-_.]*(seed|s)?[-_.=]*\d+$")


@dataclass(frozen=True)
class Measured:
    """One run and what was measured of it."""

    path: Path
    recipe: Recipe
    results: Mapping[str, Sequence[Result]]
    """Protocol -> its results, the newest first."""

    @property
    def seed(self) -> int:
        """Of the run."""
        return self.recipe.run.seed

    @property
    def stem(self) -> str:
        """The folder's name without the seed at its end."""
        name = self.path.resolve().name
        return _SEED.sub("", name) or name


@dataclass(frozen=True)
class Group:
    """One or more runs of one recipe with different seeds."""

    name: str
    runs: tuple[Measured, ...]


def read_groups(paths: Sequence[Path]) -> tuple[Group, ...]:
    """Read the run folders, in their order, those of one name and recipe together.

    Raises :class:`ReportError` for a folder that is no run, has no results, or repeats the seed of another.
    """
    groups: dict[tuple[str, Recipe], list[Measured]] = {}
    for path in paths:
        one = _read(path)
        same = groups.setdefault((one.stem, replace(one.recipe, run=replace(one.recipe.run, seed=0))), [])
        for other in same:
            if other.seed == one.seed:
                raise ReportError(f"{path}: the same recipe and seed as {other.path}; name only one of the two")
        same.append(one)
    stems = [stem for stem, _ in groups]
    return tuple(Group(_name(stem, runs, stems.count(stem) == 1), tuple(runs)) for (stem, _), runs in groups.items())


def _read(path: Path) -> Measured:
    recipe = read_recipe(path)
    results: dict[str, list[Result]] = {}
    found = read_folder(path)
    own = [result for result in found if Path(result.get("weights", "")).resolve().is_relative_to(path.resolve())]
    for result in own or found:  # of other weights only where none is of its own, as in a folder that was moved
        results.setdefault(str(result["protocol"]), []).append(result)
    if not results:
        raise ReportError(f"{path}: no results yet; `avgdt evaluate PROTOCOL --weights {path} --data PATH` makes some")
    return Measured(path, recipe, results)


def _name(stem: str, runs: Sequence[Measured], alone: bool) -> str:
    """The stem for several seeds; all names where another recipe has the same stem."""
    names = [one.path.resolve().name for one in runs]
    return printable(stem if len(runs) > 1 and alone else ", ".join(names))
