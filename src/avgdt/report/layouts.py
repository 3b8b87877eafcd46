"""A table of texts as plain text, GitHub's Markdown or LaTeX."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from avgdt.report.comparison import Compared

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


def lay_out(tables: Sequence[Compared], kind: Format) -> str:
    """All tables one below the other, ending with a line break."""
    one: Callable[[Compared], str] = {"text": as_text, "markdown": as_markdown, "latex": as_latex}[kind]
    return "\n".join(one(table) for table in tables)


def as_text(table: Compared) -> str:
    """For the terminal: columns aligned, as wide as their words need."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for i, name in enumerate(table.head):
        drawn.add_column(Text(name), justify="right" if _is_figure(i, table) else "left", no_wrap=True)
    for rows in (table.published, table.ours):
        for i, row in enumerate(rows):
            drawn.add_row(*(Text(words) for words in row), end_section=i == len(rows) - 1)
    file = io.StringIO()
    Console(file=file, width=10_000, color_system=None).print(drawn)
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    return "\n".join([table.title, "", *lines, "", *table.notes]).rstrip() + "\n"


def as_markdown(table: Compared) -> str:
    """As GitHub shows it."""
    rows = [[_markdown(words) for words in row] for row in (table.head, *table.published, *table.ours)]
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    right = [_is_figure(i, table) for i in range(len(widths))]
    rule = ["-" * (width - 1) + ":" if is_right else "-" * width for width, is_right in zip(widths, right, strict=True)]
    lines = [
        " | ".join(word.rjust(n) if r else word.ljust(n) for word, n, r in zip(row, widths, right, strict=True))
        for row in (rows[0], rule, *rows[1:])
    ]
    notes = [f"\n{_markdown(note)}" for note in table.notes]
    return "\n".join([f"**{_markdown(table.title)}**\n", *(f"| {line} |" for line in lines), *notes]) + "\n"


def as_latex(table: Compared) -> str:
    """For a paper; it takes the package booktabs."""
    columns = "".join("r" if _is_figure(i, table) else "l" for i in range(len(table.head)))
    head, *rows = (
        " & ".join(_latex(words) for words in row) + r" \\" for row in (table.head, *table.published, *table.ours)
    )
    own = len(table.published)
    lines = [
        r"\begin{table}",
        rf"\caption{{{_latex(table.title)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        head,
        r"\midrule",
        *rows[:own],
        r"\midrule",
        *rows[own:],
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\footnotesize {_latex(note)}" for note in table.notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _is_figure(column: int, table: Compared) -> bool:
    return 0 < column < len(table.head) - 1


def _markdown(words: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|~#])", r"\\\1", words)


def _latex(words: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in words)
