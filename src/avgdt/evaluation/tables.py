"""A result for the terminal: pretrained beside random weights beside chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table


def result_table(result: Mapping[str, Any]) -> Table:
    """One row for each figure that has a chance level (the numbers in ``result["chance"]``)."""
    table = Table(title=_title(result), title_justify="left", caption=_caption(result), caption_justify="left")
    table.add_column("")
    for name in ("pretrained", "random weights", "chance"):
        table.add_column(name, justify="right")
    for path in leaves(result["chance"]):
        cells = (_cell(result[source], path) for source in ("pretrained", "random", "chance"))
        table.add_row(" ".join(path).replace("_", " "), *cells)
    return table


def _title(result: Mapping[str, Any]) -> str:
    options = result["options"]
    named = (str(options[name]) for name in ("label", "modality") if options.get(name))
    return " · ".join([result["protocol"], *named])


def _caption(result: Mapping[str, Any]) -> str:
    counts = {name: len(result.get(name, ())) for name in ("skipped", "unlisted")}
    told = [f"{count} {name}" for name, count in result["sizes"].items()]
    return ", ".join([*told, *(f"{count} {name}" for name, count in counts.items() if count)])


def leaves(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths to the figures of a nested result; the number of candidates is none."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*path, name))
        elif name != "candidates":
            yield (*path, name)


def at(tree: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """What is there, or None."""
    for name in path:
        tree = tree.get(name, {})
    return None if tree == {} else tree


def _cell(tree: Mapping[str, Any], path: tuple[str, ...]) -> str:
    """The figure, with its spread over folds where it has one; a dash where it was not measured."""
    figure, spread = at(tree, path), at(tree, (*path[:-1], f"{path[-1]}_std"))
    if figure is None:
        return "–"
    if path[-1] == "median_rank":
        return f"{figure:.1f}"
    return f"{100 * figure:.1f} %" + ("" if spread is None else f" ± {100 * spread:.1f}")
