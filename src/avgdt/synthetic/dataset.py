"""Synthetic data set in a folder: recordings and a manifest with labels and splits, rendered once and reused."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from io import StringIO
from pathlib import Path

from avgdt.files import naming, write_atomically
from avgdt.synthetic.actions import ACTIONS
from avgdt.synthetic.errors import SyntheticDataError
from avgdt.synthetic.parameters import Parameters
from avgdt.synthetic.rendering import REMEDY, remove_abandoned, render

_PARAMETERS = "world.json"  # file of the parameters, named as in earlier versions to reuse existing folders
_DIGESTS = "recordings.sha256"  # file with a line for each complete recording, in the format of sha256sum
_SPLITS = ("train", "test", "val", "train", "train", "train")  # splits of successive recordings of a class, repeated


def render_dataset(
    folder: Path,
    recordings: int = 576,
    seed: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    parameters: Parameters | None = None,
) -> Path:
    """Render ``recordings`` MP4 files into ``folder`` and return the path of its manifest.

    The manifest has the columns path, label, split and seed. A folder with the same parameters is reused: only missing
    and damaged recordings are rendered. Recordings of an earlier version of the renderer are replaced. ``workers`` is
    the number of processes: None for one per core, 0 or 1 to render in this process; it does not affect the files.
    ``progress`` is called with the number of finished recordings and the total number. ``parameters`` replaces
    ``seed`` and all defaults. Raises :class:`SyntheticDataError` if ``recordings`` is less than 1, if the folder holds
    another data set or other files, or if a process is killed, and :class:`avgdt.files.WriteError` if a file cannot be
    written.
    """
    parameters = parameters or Parameters(seed=seed)
    if recordings < 1:
        raise SyntheticDataError(f"recordings: {recordings} is too small; use 1 or more")
    files = folder / "recordings"
    with naming(folder, REMEDY):
        _claim(folder, parameters)
        files.mkdir(exist_ok=True)
        remove_abandoned(files)
    paths = {index: files / f"{index:05d}.mp4" for index in range(recordings)}
    digests = _read_digests(folder)
    missing = [index for index, path in paths.items() if not _is_complete(path, digests)]
    done = recordings - len(missing)
    report = progress or (lambda done, total: None)
    report(done, recordings)
    with closing(render(parameters, {index: paths[index] for index in missing}, workers)) as rendered:
        for index in rendered:
            _append_digest(folder, paths[index])
            done += 1
            report(done, recordings)
    return _write_manifest(folder, parameters, paths)


def split_of(index: int) -> str:
    """Return the split of recording ``index``.

    Of every six successive recordings of a class, four are in train, one is in val and one is in test.
    """
    return _SPLITS[index // len(ACTIONS) % len(_SPLITS)]


def label_of(index: int) -> str:
    """Return the class of recording ``index``; successive recordings cycle through the classes."""
    return ACTIONS[index % len(ACTIONS)].__name__.lower()


def _claim(folder: Path, parameters: Parameters) -> None:
    """Write ``parameters`` into ``folder`` and remove the recordings of an earlier version.

    Raises :class:`SyntheticDataError` if the folder holds other files or a data set with other parameters.
    """
    path, expected = folder / _PARAMETERS, asdict(parameters)
    if path.exists():
        present = _read_parameters(path)
        if present == expected:
            return
        if {**present, "version": parameters.version} != expected or present["version"] > parameters.version:
            raise SyntheticDataError(
                f"{path}: holds a synthetic data set with other parameters; delete {folder} or name another folder"
            )
        _remove_recordings(folder)
    elif folder.exists() and (not folder.is_dir() or any(not path.name.startswith(".") for path in folder.iterdir())):
        if path.exists():  # another process has written the parameters in the meantime
            return _claim(folder, parameters)
        raise SyntheticDataError(f"{folder}: is not empty and is not a synthetic data set; name another folder")
    text = json.dumps(expected, indent=1)
    write_atomically(path, lambda file: file.write(text.encode()), REMEDY)


def _read_parameters(path: Path) -> dict[str, int | float]:
    try:
        present = json.loads(path.read_text())
    except ValueError:
        present = None
    return present if isinstance(present, dict) and isinstance(present.get("version"), int) else {"version": 0}


def _remove_recordings(folder: Path) -> None:
    """Remove the recordings of an earlier version.

    The digests are removed first, so that no such recording is reused after an interruption.
    """
    for path in (folder / _DIGESTS, folder / "manifest.csv", *(folder / "recordings").glob("*.mp4")):
        path.unlink(missing_ok=True)


def _read_digests(folder: Path) -> dict[str, str]:
    """Return a mapping from the relative path of each complete recording to its SHA-256 digest."""
    path = folder / _DIGESTS
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _append_digest(folder: Path, path: Path) -> None:
    with naming(folder / _DIGESTS, REMEDY), (folder / _DIGESTS).open("a", newline="\n") as file:
        file.write(f"{_digest(path)}  {_relative(path)}\n")


def _is_complete(path: Path, digests: dict[str, str]) -> bool:
    """Return whether the recording exists and matches its recorded digest."""
    try:
        return _digest(path) == digests.get(_relative(path))
    except OSError:  # missing or unreadable
        return False


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _relative(path: Path) -> str:
    """Return the path of a recording relative to the folder of the data set."""
    return f"{path.parent.name}/{path.name}"


def _write_manifest(folder: Path, parameters: Parameters, paths: dict[int, Path]) -> Path:
    manifest = folder / "manifest.csv"
    rows = [(_relative(path), label_of(index), split_of(index), parameters.seed) for index, path in paths.items()]
    text = StringIO(newline="")
    csv.writer(text).writerows([("path", "label", "split", "seed"), *rows])
    write_atomically(manifest, lambda file: file.write(text.getvalue().encode()), REMEDY)
    return manifest
