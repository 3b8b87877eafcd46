from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.folders import write_folder

SPLITS = ("train",) * 8 + ("val",) * 4 + ("test",) * 4


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a manifest of 16 recordings with three splits and two classes."""
    folder = write_folder(tmp_path_factory.mktemp("experiments") / "films", len(SPLITS))
    films = sorted(path for path in folder.iterdir() if path.suffix == ".mkv")
    manifest = folder.parent / "films.csv"
    rows = [f"{film},{split},{'ab'[i % 2]}" for i, (film, split) in enumerate(zip(films, SPLITS, strict=True))]
    manifest.write_text("\n".join(["path,split,label", *rows]) + "\n")
    return manifest
