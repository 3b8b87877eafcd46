"""``avgdt report``: tell a run as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from avgdt.cli.arguments import UsageError, parse
from avgdt.progress import counting


@dataclass(frozen=True)
class Report:
    """Which run, and where its recordings are."""

    run: tyro.conf.Positional[Path]
    """A run folder; the page is written into it as report.html."""
    data: Path | None = None
    """Manifest (csv) or folder of the recordings, where they are no longer where the run found them."""


def run(arguments: Sequence[str]) -> None:
    """Read the command line and write the page."""
    if not arguments:
        raise UsageError("which run? avgdt report RUN [--data PATH]")
    options = parse(Report, arguments, "report", "Tell a run as one HTML page that needs no other file.")
    from avgdt.report.page import write_report

    with counting("writing the report") as written:
        page = write_report(options.run, written, options.data)
    print(f"wrote {page}")
