"""Write the tables of results.md, experiments.md, results/*.md and README.md from the values in docs/results/*.json.

python docs/make_results.py

In a Markdown page, a table is between ``<!-- table: FILE.NAME -->`` and ``<!-- end -->``. FILE.NAME is the table NAME
of docs/results/FILE.json, an object with the titles of the columns, the seeds and the rows. ``FILE.NAME rows 0 2
columns 1 3`` selects rows and columns, counted from 0. A cell is one of

- a number, or a list of numbers, which are separated by " / ";
- text, which is written unchanged, such as "83.5 ± 6.0" (mean and standard deviation over folds);
- null, for a value that has not been measured yet;
- {"mean": TABLE, "rows": [FIRST, LAST], "column": TITLE}: mean and standard deviation (n - 1) of the column TITLE of
  TABLE over the measured rows from FIRST to LAST, followed by the number of these rows. Without "column", the column
  is the one with the same title as the column of the cell, and the number of rows is omitted. The value of a text is
  its first number.

If a table has the field "recordings", the number of test recordings, percentages are converted to exact fractions of
these recordings before they are averaged. Means are therefore not affected by the rounding of values in the file.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

DOCS = Path(__file__).parent
PAGES = (
    DOCS / "results.md",
    DOCS / "experiments.md",
    *sorted((DOCS / "results").glob("*.md")),
    DOCS.parent / "README.md",
)
MARKED = re.compile(
    r"(<!-- table: (\w+)\.(\w+)(?: rows ([\d ]+))?(?: columns ([\d ]+))? -->\n).*?(<!-- end -->)", re.DOTALL
)
MISSING = "to be measured"


def table(file: str, name: str) -> dict[str, Any]:
    """Return the table ``name`` of docs/results/FILE.json. Raises KeyError if there is no table of this name."""
    content: dict[str, Any] = json.loads((DOCS / "results" / f"{file}.json").read_text(encoding="utf-8"))[name]
    return content


def cell_values(cell: Any, recordings: int | None) -> list[float]:
    """Return the numbers of a cell, or the first number of a text.

    Unless ``recordings`` is None, each number is a percentage, and is rounded to an integer number of recordings.
    """
    numbers = [re.findall(r"\d+(?:\.\d+)?", cell)[0]] if isinstance(cell, str) else cell
    values = [float(number) for number in (numbers if isinstance(numbers, list) else [numbers])]
    return values if recordings is None else [round(value * recordings / 100) * 100 / recordings for value in values]


def mean(cell: dict[str, Any], file: str, column: str) -> tuple[str, int]:
    """Return the mean and standard deviation of a cell ``{"mean": ...}`` as text, and the number of averaged rows."""
    *prefix, name = cell["mean"].split(".")
    source = table(prefix[0] if prefix else file, name)
    position, (first, last) = source["columns"].index(cell.get("column", column)), cell["rows"]
    cells = [row[position] for row in source["rows"][first : last + 1] if row[position] is not None]
    parts = [
        f"{fmean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(cells) > 1 else "")
        for values in zip(*(cell_values(cell, source.get("recordings")) for cell in cells), strict=True)
    ]
    return " / ".join(parts), len(cells)


def written(cell: Any, file: str, column: str) -> str:
    """Return a cell as Markdown."""
    if cell is None:
        return MISSING
    if isinstance(cell, dict):
        text, count = mean(cell, file, column)
        if not count:
            return MISSING
        return f"{text} ({count})" if "column" in cell else text
    return " / ".join(map(str, cell)) if isinstance(cell, list) else str(cell)


def markdown(file: str, name: str, rows: list[int] | None = None, columns: list[int] | None = None) -> str:
    """Return a table as Markdown, with the selected ``rows`` and ``columns``, counted from 0 (default: all)."""
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
    """Return the text of ``page`` with every marked table updated. Links in tables are relative to ``page``."""

    def replaced(match: re.Match[str]) -> str:
        begin, file, name, rows, columns, end = match.groups()
        selection = [None if numbers is None else [int(i) for i in numbers.split()] for numbers in (rows, columns)]
        return begin + markdown(file, name, *selection).replace("](results/", f"]({results}/") + end

    results = os.path.relpath(DOCS / "results", page.parent)
    return MARKED.sub(replaced, page.read_text(encoding="utf-8"))


def main() -> None:
    """Write all pages with their tables updated."""
    for page in PAGES:
        page.write_text(rendered(page), encoding="utf-8")


if __name__ == "__main__":
    main()
