"""The whole world in a folder: recordings, labels and splits; rendered in parallel, resumed and reused."""

from __future__ import annotations

import csv
import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from io import StringIO
from multiprocessing import get_context
from pathlib import Path

from avgdt.data.worlds.actions import ACTIONS
from avgdt.data.worlds.errors import WorldError
from avgdt.data.worlds.film import film
from avgdt.data.worlds.parameters import Parameters

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

    A folder that holds the same world is reused and one that is half rendered is gone on with. ``workers`` None takes
    one process per core, 0 or 1 none; the files are the same. ``progress`` gets (done, all). ``parameters`` replaces
    ``seed`` and all defaults. Raises WorldError where the folder holds something else.
    """
    parameters = parameters or Parameters(seed=seed)
    if recordings < 1:
        raise WorldError(f"recordings is {recordings}; ask for at least 1")
    _claim(folder, parameters)
    films = folder / "recordings"
    films.mkdir(exist_ok=True)
    paths = {index: films / f"{index:05d}.mp4" for index in range(recordings)}
    missing = [index for index, path in paths.items() if not path.exists()]
    done = recordings - len(missing)
    report = progress or (lambda done, total: None)
    report(done, recordings)
    for _ in _rendered(parameters, {index: paths[index] for index in missing}, workers):
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
    home = folder / "world.json"
    wanted = json.dumps(asdict(parameters), indent=1)
    if home.exists():
        if home.read_text() != wanted:
            raise WorldError(f"{home}: holds a world of other parameters; delete {folder} or name another folder")
        return
    if folder.exists() and (not folder.is_dir() or any(not path.name.startswith(".") for path in folder.iterdir())):
        raise WorldError(f"{folder}: is not empty and holds no world; name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    _write(home, wanted)


def _rendered(parameters: Parameters, paths: dict[int, Path], workers: int | None) -> Iterator[int]:
    """Render to ``paths``, yielding each index once its file is whole."""
    processes = min(_cores() if workers is None else workers, len(paths))
    if processes <= 1:
        for index, path in paths.items():
            film(parameters, index, path)
            yield index
        return
    # Ctrl-C goes to all processes; this one ends the others.
    ignored = (signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=signal.signal, initargs=ignored) as pool:
        jobs = {pool.submit(film, parameters, index, path): index for index, path in paths.items()}
        try:
            for job in as_completed(jobs):
                job.result()
                yield jobs[job]
        finally:
            pool.shutdown(cancel_futures=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _write_manifest(folder: Path, parameters: Parameters, paths: dict[int, Path]) -> Path:
    manifest = folder / "manifest.csv"
    rows = [
        (path.relative_to(folder).as_posix(), label_of(index), split_of(index), parameters.seed)
        for index, path in paths.items()
    ]
    text = StringIO(newline="")
    csv.writer(text).writerows([("path", "label", "split", "seed"), *rows])
    _write(manifest, text.getvalue())
    return manifest


def _write(path: Path, text: str) -> None:
    """Write a file that is there only once it is whole; two processes may write the same."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(text, newline="")
    unfinished.replace(path)
