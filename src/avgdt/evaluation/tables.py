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
        figures = (_at(result[source], path) for source in ("pretrained", "random", "chance"))
        table.add_row(" ".join(path).replace("_", " "), *(_format(path[-1], figure) for figure in figures))
    return table


def _title(result: Mapping[str, Any]) -> str:
    options = result["options"]
    named = (str(options[name]) for name in ("label", "modality") if options.get(name))
    return " · ".join([result["protocol"], *named])


def _caption(result: Mapping[str, Any]) -> str:
    skipped = f", {len(result['skipped'])} skipped" if result["skipped"] else ""
    sizes = ", ".join(f"{count} {name}" for name, count in result["sizes"].items())
    return f"{sizes}{skipped}"


def leaves(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths to the figures of a nested result; the number of candidates is none."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*path, name))
        elif name != "candidates":
            yield (*path, name)


def _at(tree: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    for name in path:
        tree = tree[name]
    return tree


def _format(name: str, figure: float) -> str:
    return f"{figure:.1f}" if name == "median_rank" else f"{100 * figure:.1f} %"
