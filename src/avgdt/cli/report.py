"""``avgdt report``: write the report of a run as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from avgdt.cli.arguments import UsageError, parse
from avgdt.progress import counting


@dataclass(frozen=True)
class ReportOptions:
    """Options of ``avgdt report``."""

    run: tyro.conf.Positional[Path]
    """Folder of the run, into which the page is written as report.html."""
    data: Path | None = None
    """Manifest (csv) or folder of the recordings, if they were moved after the run had written its manifest.csv."""


def run(arguments: Sequence[str]) -> None:
    """Parse the command line and write the report of the run."""
    if not arguments:
        raise UsageError("RUN is missing; usage: avgdt report RUN [--data PATH]")
    options = parse(ReportOptions, arguments, "report", "Write the report of a run as one self-contained HTML page.")
    print(f"wrote {report_with_progress(options.run, options.data)}")


def report_with_progress(run: Path, data: Path | None = None) -> Path:
    """Write ``report.html`` and return its path; first embed the example recordings if their results are outdated."""
    from avgdt.report.page import write_report
    from avgdt.report.run_folder import read_run

    recipe = read_run(run).recipe  # raises an error before the embedding if the folder is not a run
    from avgdt.evaluation.examples import update_examples

    with counting("embedding examples") as embedded:
        update_examples(run, recipe, data, embedded)
    with counting("writing the report") as written:
        return write_report(run, written)
