"""A run's results on disk: ``results/PROTOCOL.json``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avgdt.evaluation.errors import EvaluationError
from avgdt.files import write_atomically

Result = dict[str, Any]
"""What a protocol measured and where, as JSON: figures of both networks and of chance by row, options, sizes, what was
skipped."""


def check_place(protocol: str, folder: Path) -> None:
    """Raise :class:`EvaluationError` where :func:`write_result` could not write; before the work, not after it."""
    path = _path(protocol, folder)
    if path.exists():
        read_results(path)
    place = path.parent
    while not place.exists():
        place = place.parent
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        raise EvaluationError(f"{place}: results cannot be written here; choose another --out")


def write_result(result: Mapping[str, Any], folder: Path) -> Path:
    """Write ``folder/results/PROTOCOL.json`` whole or not at all; return its path.

    Results of the same protocol with other options (another label, say), data or weights are kept in the list
    ``earlier``, the newest first; one that is alike in all of them is replaced. Raises ``WriteError`` where the disk
    is full.
    """
    path = _path(result["protocol"], folder)
    before = read_results(path) if path.exists() else []
    earlier = [old for old in before if _measured(old) != _measured(result)]
    # allow_nan: a NaN would make the file unreadable to other JSON parsers; better to hear of it here.
    text = json.dumps({**result, "earlier": earlier}, indent=2, allow_nan=False) + "\n"
    write_atomically(path, lambda file: file.write(text.encode()), remedy="free some space and try again")
    return path


def read_results(path: Path) -> list[Result]:
    """The results in one ``PROTOCOL.json``, the newest first; raise :class:`EvaluationError` for another file."""
    try:
        newest = json.loads(path.read_text(encoding="utf-8"))
        results = [{k: v for k, v in newest.items() if k != "earlier"}, *newest["earlier"]]
        if any("options" not in result or "protocol" not in result for result in results):
            raise KeyError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EvaluationError(f"{path}: not a result of an evaluation; move it away") from None
    return results


def _path(protocol: str, folder: Path) -> Path:
    return folder / "results" / f"{protocol}.json"


def _measured(result: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a result is of."""
    return result["options"], *(Path(result.get(name, "")).resolve() for name in ("weights", "data"))


def read_folder(folder: Path) -> list[Result]:
    """All results of the run in ``folder``, by protocol, the newest of each first."""
    paths = sorted({*(folder / "results").glob("*.json")} - {examples_path(folder)})
    return [result for path in paths for result in read_results(path)]


def examples_path(folder: Path) -> Path:
    """The file of the run's example recordings, which is no result of a protocol."""
    return folder / "results" / "examples.json"
