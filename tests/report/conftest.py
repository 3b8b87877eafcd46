from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from avgdt.data.manifest import Entry
from avgdt.evaluation.examples import update_examples
from avgdt.evaluation.results import write_result
from avgdt.recipes.config import write_yaml
from avgdt.recipes.recipe import Recipe
from avgdt.report.page import write_report
from avgdt.report.run_folder import read_recipe
from tests.helpers.recipes import tiny
from tests.helpers.run_folders import write_recordings, write_run
from tests.report.reading import Page, read_page


def report(run: Path, data: Path | None = None) -> Page:
    """Return the report page of a run with up-to-date examples."""
    update_examples(run, read_recipe(run), data)
    return read_page(write_report(run))


@pytest.fixture(scope="session")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    return write_recordings(tmp_path_factory.mktemp("recordings"))


RESULT: dict[str, Any] = {
    "protocol": "linear",
    "options": {"label": "label", "modality": "video"},
    "sizes": {"train": 2, "test": 40},
    "skipped": [],
    "classes": ["a", "b"],
    "pretrained": {"accuracy": 0.6875, "interval": [0.53, 0.81], "mean_class_accuracy": 0.6543},
    "random": {"accuracy": 0.5125, "interval": [0.36, 0.66], "mean_class_accuracy": 0.4987},
    "chance": {"accuracy": 0.5, "mean_class_accuracy": 0.5},
    "machine": {"device": "A processor", "precision": "fp32"},
    "command": "avgdt evaluate linear --data '<b>'",
}


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]) -> Callable[..., Path]:
    """Return a function that writes run folders with a given recipe, given recordings, or without weights."""

    def make(recipe: Recipe | None = None, weights: bool = True, among: list[Entry] | None = None) -> Path:
        rows = entries if among is None else among
        return write_run(tmp_path_factory.mktemp("run"), recipe or tiny(), rows, weights)

    return make


@pytest.fixture(scope="session")
def run(make_run: Callable[..., Path]) -> Path:
    """Write a run folder with all files."""
    folder = make_run()
    write_result(RESULT, folder)
    return folder


@pytest.fixture(scope="session")
def page(run: Path) -> Page:
    """Return the report page of the run."""
    return report(run)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes run folders with results."""

    def run(name: str, *results: dict[str, Any], seed: int = 0, **changes: object) -> Path:
        recipe = tiny(**changes)
        folder = tmp_path / name
        folder.mkdir(parents=True)
        write_yaml(replace(recipe, run=replace(recipe.run, seed=seed)), folder / "config.yaml")
        for result in results:
            write_result(result, folder)
        return folder

    return run
