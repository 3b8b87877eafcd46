"""Comparison of runs with the paper's tables, as plain text, Markdown or LaTeX."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from avgdt.errors import suggestion
from avgdt.report.errors import ReportError
from avgdt.report.groups import DASH, Cell, Group, Source, cell, read_groups
from avgdt.report.published import TABLES, PaperTable

MEASURED = "measured here"
"""Value of the source column in the rows of runs; all other rows are results from the literature."""
SOURCES: tuple[tuple[Source, str], ...] = (("pretrained", ""), ("random", ", random weights"))
Format = Literal["text", "markdown", "latex"]
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "–": "--",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}


@dataclass(frozen=True)
class ComparisonTable:
    """One table with rows of published results and of runs; all cells are text."""

    title: str
    head: tuple[str, ...]
    """Column names: method, one name per metric, source."""
    published: tuple[tuple[str, ...], ...]
    runs: tuple[tuple[str, ...], ...]
    """Rows of the runs: each group of seeds is followed by its random weights."""
    notes: tuple[str, ...]


def compare_runs(paths: Sequence[Path], name: str = "") -> tuple[ComparisonTable, ...]:
    """Return tables of published results with a row for each group of runs that differ only in the seed.

    ``name`` is the number or the name of one table. By default, all tables for which a run has a value are returned,
    except the ablations. Raises :class:`ReportError` if the table is unknown, if a folder is not a run or has no
    results, if two runs of a group have the same seed, or if no run has a value for the tables.
    """
    groups = read_groups(paths)
    tables = [table for table in TABLES if (name in (table.number, table.name) if name else not table.ablation)]
    if not tables:
        known = [key for table in TABLES for key in (table.number, table.name) if key]
        raise ReportError(f"table: {name!r} is unknown; {suggestion(name, known)}")
    comparisons = [comparison for table in tables if (comparison := _compare(table, groups))]
    if not comparisons:
        protocols = dict.fromkeys(column.protocol for table in tables for column in table.columns)
        raise ReportError(
            f"{', '.join(map(str, paths))}: no results for the table; run `avgdt evaluate` with one of "
            f"{', '.join(protocols)} first"
        )
    return tuple(comparisons)


def format_tables(tables: Sequence[ComparisonTable], kind: Format) -> str:
    """Return the tables as one text, separated by blank lines, with a line break at the end."""
    as_format: Callable[[ComparisonTable], str] = {"text": as_text, "markdown": as_markdown, "latex": as_latex}[kind]
    return "\n".join(as_format(table) for table in tables)


def as_text(table: ComparisonTable) -> str:
    """Return the table as plain text with aligned columns."""
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for i, name in enumerate(table.head):
        grid.add_column(Text(name), justify="right" if _is_numeric(i, table) else "left", no_wrap=True)
    for rows in (table.published, table.runs):
        for i, row in enumerate(rows):
            grid.add_row(*(Text(text) for text in row), end_section=i == len(rows) - 1)
    file = io.StringIO()
    Console(file=file, width=10_000, color_system=None).print(grid)
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    return "\n".join([table.title, "", *lines, "", *table.notes]).rstrip() + "\n"


def as_markdown(table: ComparisonTable) -> str:
    """Return the table in GitHub's Markdown."""
    rows = [[_markdown(text) for text in row] for row in (table.head, *table.published, *table.runs)]
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    right = [_is_numeric(i, table) for i in range(len(widths))]
    rule = ["-" * (width - 1) + ":" if is_right else "-" * width for width, is_right in zip(widths, right, strict=True)]
    lines = [
        " | ".join(text.rjust(n) if r else text.ljust(n) for text, n, r in zip(row, widths, right, strict=True))
        for row in (rows[0], rule, *rows[1:])
    ]
    notes = [f"\n{_markdown(note)}" for note in table.notes]
    return "\n".join([f"**{_markdown(table.title)}**\n", *(f"| {line} |" for line in lines), *notes]) + "\n"


def as_latex(table: ComparisonTable) -> str:
    """Return the table as LaTeX source, which needs the package booktabs."""
    columns = "".join("r" if _is_numeric(i, table) else "l" for i in range(len(table.head)))
    head, *rows = (
        " & ".join(_latex(text) for text in row) + r" \\" for row in (table.head, *table.published, *table.runs)
    )
    published = len(table.published)
    lines = [
        r"\begin{table}",
        rf"\caption{{{_latex(table.title)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        head,
        r"\midrule",
        *([*rows[:published], r"\midrule"] if published else []),
        *rows[published:],
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\footnotesize {_latex(note)}" for note in table.notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _compare(table: PaperTable, groups: Sequence[Group]) -> ComparisonTable | None:
    """Return the table with rows for each group and its random weights, or None if no group has a value for the
    table."""
    names = [column.name for column in table.columns]
    runs, deviations, remarks = list[tuple[str, ...]](), dict[str, list[str]](), dict[str, list[str]]()
    for group in groups:
        for source, suffix in SOURCES:
            name, cells = f"{group.name}{suffix}", [cell(column, group, source) for column in table.columns]
            runs.append((name, *(entry.text for entry in cells), MEASURED))
            if over := _over(names, cells):
                deviations.setdefault(over, []).append(name)
            for remark in dict.fromkeys(remark for entry in cells for remark in entry.remarks):
                remarks.setdefault(remark, []).append(name)
    if all(text == DASH for row in runs for text in row[1:-1]):
        return None
    published = tuple((row.method, *(row.values.get(name, DASH) for name in names), row.source) for row in table.rows)
    notes = [f"± is the standard deviation over {over}: {'; '.join(rows)}" for over, rows in deviations.items()]
    notes += [f"{remark}: {'; '.join(rows)}" for remark, rows in remarks.items()]
    return ComparisonTable(
        f"{f'Table {table.number}. ' if table.number else ''}{table.title}, %",
        ("method", *names, "source"),
        published,
        tuple(runs),
        tuple(notes),
    )


def _over(names: Sequence[str], cells: Sequence[Cell]) -> str:
    """Return the repetitions over which the standard deviations of a row are computed, such as "3 seeds"; "" if there
    are none."""
    over: dict[str, list[str]] = {}
    for name, entry in zip(names, cells, strict=True):
        if entry.over:
            over.setdefault(entry.over, []).append(name)
    parts = (part if len(over) == 1 else f"{part} ({', '.join(columns)})" for part, columns in over.items())
    return ", over ".join(parts)


def _is_numeric(column: int, table: ComparisonTable) -> bool:
    return 0 < column < len(table.head) - 1


def _markdown(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|~#])", r"\\\1", text)


def _latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)
