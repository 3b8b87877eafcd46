"""``avgdt table``: runs beside the paper's tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from avgdt.cli.arguments import UsageError, parse

USAGE = """Set runs beside the paper's tables: avgdt table RUN... [--table NAME] [--format FORMAT] [--out FILE].

Runs of one name and recipe that differ in the seed are one row, their mean and standard deviation. Every row is
followed by that of random weights."""


@dataclass(frozen=True)
class Table:
    """Which runs, which table, and how it is written."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run folders with results."""
    table: str = ""
    """2 or action, 3 or sound, A.1 or retrieval, 1a or jittering, 1b or augmentation; else all of the first three that
    the runs have figures of."""
    format: Literal["text", "markdown", "latex"] = "text"
    """For the terminal, for GitHub, or for a paper (with booktabs)."""
    out: Path | None = None
    """File to write; else it is printed."""


def run(arguments: Sequence[str]) -> None:
    """Read the command line, print or write the tables."""
    if not arguments:
        raise UsageError("which runs? avgdt table RUN... [--table NAME] [--format FORMAT] [--out FILE]")
    options = parse(Table, arguments, "table", USAGE)
    if not options.runs:
        raise UsageError("which runs? avgdt table RUN... needs one run folder or more")
    from avgdt.report.comparison import compare_runs
    from avgdt.report.layouts import lay_out
    from avgdt.report.templating import write

    told = lay_out(compare_runs(options.runs, options.table), options.format)
    if options.out is None:
        print(told, end="")
        return
    write(told, options.out)
    print(f"wrote {options.out}")
