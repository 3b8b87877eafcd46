"""``avgdt table``: compare runs with the paper's tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from avgdt.cli.arguments import UsageError, parse

USAGE = """Compare runs with the paper's tables: avgdt table RUN... [--table NAME] [--format FORMAT] [--out FILE].

Runs with the same name and recipe but different seeds are combined in one row with mean and standard deviation. Each
row is followed by a row of random weights."""


@dataclass(frozen=True)
class TableOptions:
    """Options of ``avgdt table``."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Folders of evaluated runs."""
    table: str = ""
    """Number or name of the table: 2 or action, 3 or sound, A.1 or retrieval, own (linear, knn and retrieval on your
    own data), 1a or jittering, 1b or augmentation. By default, all of the first four for which the runs have results.
    """
    format: Literal["text", "markdown", "latex"] = "text"
    """Format of the tables: plain text, GitHub's Markdown, or LaTeX (with booktabs)."""
    out: Path | None = None
    """File for the tables; by default, they are printed."""


def run(arguments: Sequence[str]) -> None:
    """Parse the command line and print or write the tables."""
    if not arguments:
        raise UsageError("RUN is missing; usage: avgdt table RUN... [--table NAME] [--format FORMAT] [--out FILE]")
    options = parse(TableOptions, arguments, "table", USAGE)
    if not options.runs:
        raise UsageError("RUN is missing; name at least one run folder: avgdt table RUN...")
    from avgdt.report.comparison import compare_runs, format_tables
    from avgdt.report.formatting import write

    tables = format_tables(compare_runs(options.runs, options.table), options.format)
    if options.out is None:
        print(tables, end="")
        return
    write(tables, options.out)
    print(f"wrote {options.out}")
