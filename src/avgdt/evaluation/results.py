"""Results of protocols, stored as JSON in ``results/PROTOCOL.json`` and shown as a table in the terminal."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from avgdt.data.selection import Skipped
from avgdt.evaluation.errors import EvaluationError
from avgdt.files import write_atomically
from avgdt.recipes.config import KIND, to_plain

Result = dict[str, Any]
"""Result of a protocol as JSON data: metrics of the pretrained and the random model and their chance levels, by row;
also options, sizes and skipped files."""
_NO_EFFECT = (KIND, "jobs", "cache")
"""Options that do not affect the results."""


def plain_options(protocol: object) -> dict[str, Any]:
    """Return the options of a protocol's dataclass as plain data that JSON preserves unchanged.

    Options that do not affect the results are omitted.
    """
    return {name: value for name, value in to_plain(protocol).items() if name not in _NO_EFFECT}


def plain_skipped(skipped: Iterable[Skipped]) -> list[dict[str, str]]:
    """Return skipped files, with the reasons, as plain data."""
    return [{"path": str(file.path), "reason": file.reason} for file in skipped]


def check_writable(protocol: str, folder: Path) -> None:
    """Raise :class:`EvaluationError` if a result of ``protocol`` cannot be written to ``folder``.

    The check is made before the evaluation, which may take hours.
    """
    path = _path(protocol, folder)
    if path.exists():
        read_results(path)
    parent = path.parent
    while not parent.exists():
        parent = parent.parent
    if not (parent.is_dir() and os.access(parent, os.W_OK | os.X_OK)):
        raise EvaluationError(f"{parent}: results cannot be written here; choose another --out")


def write_result(result: Mapping[str, Any], folder: Path) -> Path:
    """Write ``folder/results/PROTOCOL.json`` atomically; return its path.

    Older results of the same protocol with other options, data or weights are preserved in the list ``earlier``, newest
    first. An older result with the same options, data and weights is replaced. Raises ``WriteError`` if the disk is
    full.
    """
    path = _path(result["protocol"], folder)
    before = read_results(path) if path.exists() else []
    earlier = [old for old in before if _identity(old) != _identity(result)]
    # allow_nan=False: NaN is not valid JSON, so other parsers could not read the file.
    text = json.dumps({**result, "earlier": earlier}, indent=2, allow_nan=False) + "\n"
    write_atomically(path, lambda file: file.write(text.encode()), remedy="free some disk space and try again")
    return path


def read_results(path: Path) -> list[Result]:
    """Return the results in a ``PROTOCOL.json``, newest first; raise :class:`EvaluationError` if it is not valid."""
    try:
        newest = json.loads(path.read_text(encoding="utf-8"))
        results = [{k: v for k, v in newest.items() if k != "earlier"}, *newest["earlier"]]
        if any("options" not in result or "protocol" not in result for result in results):
            raise KeyError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EvaluationError(f"{path}: not the result of an evaluation; move the file elsewhere") from None
    return results


def read_folder(folder: Path) -> list[Result]:
    """Return all results of the run in ``folder``, sorted by protocol and, within a protocol, newest first."""
    paths = sorted({*(folder / "results").glob("*.json")} - {examples_path(folder)})
    return [result for path in paths for result in read_results(path)]


def examples_path(folder: Path) -> Path:
    """Return the path of the retrieval examples of a run; the file is not the result of a protocol."""
    return folder / "results" / "examples.json"


def result_table(result: Mapping[str, Any]) -> Table:
    """Build a table with one row for each metric that has a chance level in ``result["chance"]``."""
    table = Table(title=_title(result), title_justify="left", caption=_caption(result), caption_justify="left")
    table.add_column("")
    for name in ("pretrained", "random weights", "chance"):
        table.add_column(name, justify="right")
    for path in metric_paths(result["chance"]):
        cells = (_cell(result[source], path) for source in ("pretrained", "random", "chance"))
        table.add_row(" ".join(path).replace("_", " "), *cells)
    return table


def metric_paths(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of each metric in a nested result; the size of the gallery is not a metric."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from metric_paths(value, (*path, name))
        elif name != "gallery":
            yield (*path, name)


def at(tree: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return the value at ``path`` in a nested result, or None if there is no such value."""
    for name in path:
        tree = tree.get(name, {})
    return None if tree == {} else tree


def metrics_line(source: str, row: str, part: str, metrics: Mapping[str, Any]) -> str:
    """Format metrics in one line, such as "linear layer, fold 1, random weights: accuracy 46.5 %, epochs 100".

    ``source`` is "pretrained" or "random". ``part`` names the fold, split or repetition, and may be empty. Lists are
    omitted.
    """
    chosen = metrics.get("chosen", {})
    words = list[str]()
    for name, value in ({**metrics, **chosen}).items():
        if name == "converged":
            words += [] if value else ["not converged"]
        elif isinstance(value, int | float):
            is_fraction = name.endswith("accuracy") or name in ("r1", "r5", "r20")
            words.append(f"{name} {100 * value:.1f} %" if is_fraction else f"{name} {value:.4g}")
    head = ", ".join(word for word in (row, part, f"{source} weights") if word)
    return f"{head}: {', '.join(words)}".replace("_", " ")


def _path(protocol: str, folder: Path) -> Path:
    return folder / "results" / f"{protocol}.json"


def _identity(result: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the options, weights and data of a result; a new result replaces an older one with the same identity."""
    return result["options"], *(Path(result.get(name, "")).resolve() for name in ("weights", "data"))


def _title(result: Mapping[str, Any]) -> str:
    options = result["options"]
    named = (str(options[name]) for name in ("label", "modality") if options.get(name))
    return " · ".join([result["protocol"], *named])


def _caption(result: Mapping[str, Any]) -> str:
    counts = {name: len(result.get(name, ())) for name in ("skipped", "unlisted")}
    return ", ".join([format_sizes(result), *(f"{count} {name}" for name, count in counts.items() if count)])


def format_sizes(result: Mapping[str, Any]) -> str:
    """Format the sizes of the evaluated data in one line, such as "384 train, 96 test" or "96 in the gallery"."""
    sizes = result["sizes"].items()
    return ", ".join(f"{count} in the gallery" if name == "gallery" else f"{count} {name}" for name, count in sizes)


def _cell(tree: Mapping[str, Any], path: tuple[str, ...]) -> str:
    """Format the metric at ``path`` with its std over the folds, if any; return a dash if it was not measured."""
    value, std = at(tree, path), at(tree, (*path[:-1], f"{path[-1]}_std"))
    if value is None:
        return "–"
    if path[-1] == "median_rank":
        return f"{value:.1f}"
    return f"{100 * value:.1f} %" + ("" if std is None else f" ± {100 * std:.1f}")
