"""Recordings of manifests and their selection for a run."""

from __future__ import annotations

from pathlib import Path

from avgdt.data.manifest import Entry
from avgdt.data.selection import Selection, list_recordings, select
from avgdt.recipes.recipe import Data
from tests.helpers.recipes import tiny


def entries_of_list(folder: Path, text: str) -> list[Entry]:
    """Write ``text`` as a manifest in ``folder`` and return its inspected entries."""
    (folder / "list.csv").write_text(text)
    return list_recordings(folder / "list.csv", workers=1)


def selected(entries: list[Entry], data: Data | None = None) -> Selection:
    """Return the selection of ``entries`` for the recipe of the tests, with other ``data`` settings if given."""
    recipe = tiny()
    return select(entries, data or recipe.data, recipe.composition, recipe.clip, Path("list.csv"))
