"""``avgdt report``: write the report of a run as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from avgdt.cli.arguments import UsageError, parse
from avgdt.progress import counting


@dataclass(frozen=True)
class Report:
    """The run and its recordings."""

    run: tyro.conf.Positional[Path]
    """A run folder; the page is written into it as report.html."""
    data: Path | None = None
    """Manifest (csv) or folder of the recordings, where they were moved after the run."""


def run(arguments: Sequence[str]) -> None:
    """Parse the command line and write the page."""
    if not arguments:
        raise UsageError("RUN is missing; usage: avgdt report RUN [--data PATH]")
    options = parse(Report, arguments, "report", "Write the report of a run as one self-contained HTML page.")
    from avgdt.report.page import write_report

    with counting("writing the report") as written:
        page = write_report(options.run, written, options.data)
    print(f"wrote {page}")
