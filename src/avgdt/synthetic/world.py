"""The whole world in a folder: recordings, labels and splits; rendered in parallel, resumed and reused."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from io import StringIO
from pathlib import Path

from avgdt.synthetic.actions import ACTIONS
from avgdt.synthetic.errors import WorldError, writing
from avgdt.synthetic.parameters import Parameters
from avgdt.synthetic.rendering import remove_abandoned, render

_SUMS = "recordings.sha256"  # a line for each film once it is whole, as sha256sum writes it
_SPLITS = ("train", "test", "val", "train", "train", "train")  # of one class, over and over


def render_world(
    folder: Path,
    recordings: int = 576,
    seed: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    parameters: Parameters | None = None,
) -> Path:
    """Render ``recordings`` MP4 files into ``folder`` and return its manifest.csv (path, label, split, seed).

    A folder that holds the same world is reused and one that is half rendered is gone on with; films that were damaged
    are rendered anew, and so is the whole world where an earlier version of the drawing made it. ``workers`` None takes
    one process per core, 0 or 1 none; the files are the same. ``progress`` gets (done, all). ``parameters`` replaces
    ``seed`` and all defaults. Raises WorldError where the folder holds something else or cannot be written.
    """
    parameters = parameters or Parameters(seed=seed)
    if recordings < 1:
        raise WorldError(f"recordings is {recordings}; ask for at least 1")
    films = folder / "recordings"
    with writing(folder):
        _claim(folder, parameters)
        films.mkdir(exist_ok=True)
        remove_abandoned(films)
    paths = {index: films / f"{index:05d}.mp4" for index in range(recordings)}
    sums = _read_sums(folder)
    missing = [index for index, path in paths.items() if not _is_whole(path, sums)]
    done = recordings - len(missing)
    report = progress or (lambda done, total: None)
    report(done, recordings)
    with closing(render(parameters, {index: paths[index] for index in missing}, workers)) as rendered:
        for index in rendered:
            _add_sum(folder, paths[index])
            done += 1
            report(done, recordings)
    return _write_manifest(folder, parameters, paths)


def split_of(index: int) -> str:
    """The split of a recording: of six recordings of a class four are train, one val, one test."""
    return _SPLITS[index // len(ACTIONS) % len(_SPLITS)]


def label_of(index: int) -> str:
    """The class of a recording; classes take turns."""
    return ACTIONS[index % len(ACTIONS)].__name__.lower()


def _claim(folder: Path, parameters: Parameters) -> None:
    """Make ``folder`` the home of this world, or refuse where another lives."""
    home, wanted = folder / "world.json", asdict(parameters)
    if home.exists():
        there = _read_home(home)
        if there == wanted:
            return
        if {**there, "version": parameters.version} != wanted or there["version"] > parameters.version:
            raise WorldError(f"{home}: holds a world of other parameters; delete {folder} or name another folder")
        _clear(folder)
    elif folder.exists() and (not folder.is_dir() or any(not path.name.startswith(".") for path in folder.iterdir())):
        if home.exists():  # another process has just claimed it
            return _claim(folder, parameters)
        raise WorldError(f"{folder}: is not empty and holds no world; name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    _write(home, json.dumps(wanted, indent=1))


def _read_home(home: Path) -> dict[str, int | float]:
    try:
        there = json.loads(home.read_text())
    except ValueError:
        there = None
    return there if isinstance(there, dict) and isinstance(there.get("version"), int) else {"version": 0}


def _clear(folder: Path) -> None:
    """Remove the films of an earlier version; their sums first, so that none of them is reused if this is cut short."""
    for path in (folder / _SUMS, folder / "manifest.csv", *(folder / "recordings").glob("*.mp4")):
        path.unlink(missing_ok=True)


def _read_sums(folder: Path) -> dict[str, str]:
    """The digest of each film that was whole, by its name."""
    sums = folder / _SUMS
    lines = sums.read_text(errors="replace").splitlines() if sums.exists() else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _add_sum(folder: Path, path: Path) -> None:
    with writing(folder / _SUMS), (folder / _SUMS).open("a", newline="\n") as sums:
        sums.write(f"{_digest(path)}  {_name(path)}\n")


def _is_whole(path: Path, sums: dict[str, str]) -> bool:
    """Whether a film is there as it was written."""
    try:
        return _digest(path) == sums.get(_name(path))
    except OSError:  # none there, or the disk fails
        return False


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _name(path: Path) -> str:
    """The path of a film relative to the folder of the world."""
    return f"{path.parent.name}/{path.name}"


def _write_manifest(folder: Path, parameters: Parameters, paths: dict[int, Path]) -> Path:
    manifest = folder / "manifest.csv"
    rows = [(_name(path), label_of(index), split_of(index), parameters.seed) for index, path in paths.items()]
    text = StringIO(newline="")
    csv.writer(text).writerows([("path", "label", "split", "seed"), *rows])
    _write(manifest, text.getvalue())
    return manifest


def _write(path: Path, text: str) -> None:
    """Write a file that is there only once it is whole; two processes may write the same."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path):
        try:
            unfinished.write_text(text, newline="")
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
