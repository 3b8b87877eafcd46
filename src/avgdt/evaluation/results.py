"""A run's results on disk: ``results/PROTOCOL.json``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avgdt.evaluation.errors import EvaluationError

Result = dict[str, Any]
"""What a protocol measured and where, as JSON: figures of both networks and of chance by row, options, sizes, what was
skipped."""


def write_result(result: Mapping[str, Any], folder: Path) -> Path:
    """Write ``folder/results/PROTOCOL.json`` whole or not at all; return its path.

    Results of the same protocol with other options (another label, say) are kept in the list ``earlier``, the
    newest first; one with equal options is replaced.
    """
    path = folder / "results" / f"{result['protocol']}.json"
    before = read_results(path) if path.exists() else []
    earlier = [old for old in before if old["options"] != result["options"]]
    path.parent.mkdir(parents=True, exist_ok=True)
    # allow_nan: a NaN would make the file unreadable to other JSON parsers; better to hear of it here.
    text = json.dumps({**result, "earlier": earlier}, indent=2, allow_nan=False)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
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


def read_folder(folder: Path) -> list[Result]:
    """All results of the run in ``folder``, by protocol, the newest of each first."""
    return [result for path in sorted((folder / "results").glob("*.json")) for result in read_results(path)]
