"""Writes the tables of results.md, results/*.md and README.md from the figures in docs/results/*.json.

python docs/make_results.py

A table stands in the Markdown between ``<!-- table: FILE.NAME -->`` and ``<!-- end -->``; FILE.NAME is the table NAME
of docs/results/FILE.json: the titles of its columns, the seeds that it covers, and its rows. With ``FILE.NAME rows 0 2
columns 1 3`` only these rows and columns are written, counted from 0. A cell is one of

- a figure, or a list of figures, written side by side;
- text, which is written as it is, such as "83.5 ± 6.0" (mean and standard deviation over folds);
- null: not yet measured;
- {"mean": TABLE, "rows": [FIRST, LAST], "column": TITLE}: mean and standard deviation (n - 1) of column TITLE of TABLE
  over the measured rows among FIRST to LAST, followed by their number; without "column", of the column of this cell,
  without the number. Of a text the first figure counts. Where a table has "recordings", the number of test recordings,
  percentages are converted to exact shares of them, so that means are not affected by rounding in the file.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

DOCS = Path(__file__).parent
PAGES = (DOCS / "results.md", *sorted((DOCS / "results").glob("*.md")), DOCS.parent / "README.md")
MARKED = re.compile(
    r"(<!-- table: (\w+)\.(\w+)(?: rows ([\d ]+))?(?: columns ([\d ]+))? -->\n).*?(<!-- end -->)", re.DOTALL
)
MISSING = "to be measured"


def table(file: str, name: str) -> dict[str, Any]:
    """The table ``name`` of docs/results/FILE.json; raise KeyError for an unknown name."""
    content: dict[str, Any] = json.loads((DOCS / "results" / f"{file}.json").read_text(encoding="utf-8"))[name]
    return content


def figures(cell: Any, recordings: int | None) -> list[float]:
    """The percentages in a cell: its numbers, or the first one of a text, as exact shares of ``recordings``."""
    numbers = [re.findall(r"\d+(?:\.\d+)?", cell)[0]] if isinstance(cell, str) else cell
    values = [float(number) for number in (numbers if isinstance(numbers, list) else [numbers])]
    return values if recordings is None else [round(value * recordings / 100) * 100 / recordings for value in values]


def mean(cell: dict[str, Any], file: str, column: str) -> tuple[str, int]:
    """Mean and standard deviation of a mean cell as text, and the number of rows averaged."""
    *prefix, name = cell["mean"].split(".")
    source = table(prefix[0] if prefix else file, name)
    position, (first, last) = source["columns"].index(cell.get("column", column)), cell["rows"]
    cells = [row[position] for row in source["rows"][first : last + 1] if row[position] is not None]
    parts = [
        f"{fmean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(cells) > 1 else "")
        for values in zip(*(figures(cell, source.get("recordings")) for cell in cells), strict=True)
    ]
    return " / ".join(parts), len(cells)


def written(cell: Any, file: str, column: str) -> str:
    """A cell as Markdown."""
    if cell is None:
        return MISSING
    if isinstance(cell, dict):
        text, count = mean(cell, file, column)
        return f"{text} ({count})" if "column" in cell else text
    return " / ".join(map(str, cell)) if isinstance(cell, list) else str(cell)


def markdown(file: str, name: str, rows: list[int] | None = None, columns: list[int] | None = None) -> str:
    """A table as Markdown; ``rows`` and ``columns``, counted from 0, select a part of it."""
    source = table(file, name)
    titles = source["columns"]
    selected = range(len(titles)) if columns is None else columns
    lines = [[titles[i] for i in selected], ["---"] * len(selected)]
    for row in source["rows"] if rows is None else [source["rows"][i] for i in rows]:
        if len(row) != len(titles):
            raise ValueError(f"{file}.{name}: the row {row} has {len(row)} cells for {len(titles)} columns")
        lines.append([written(row[i], file, titles[i]) for i in selected])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def rendered(page: Path) -> str:
    """The text of ``page`` with every marked table updated, its links relative to ``page``."""

    def replaced(match: re.Match[str]) -> str:
        begin, file, name, rows, columns, end = match.groups()
        selection = [None if numbers is None else [int(i) for i in numbers.split()] for numbers in (rows, columns)]
        return begin + markdown(file, name, *selection).replace("](results/", f"]({results}/") + end

    results = os.path.relpath(DOCS / "results", page.parent)
    return MARKED.sub(replaced, page.read_text(encoding="utf-8"))


def main() -> None:
    """Update all pages."""
    for page in PAGES:
        page.write_text(rendered(page), encoding="utf-8")


if __name__ == "__main__":
    main()
