"""``avgdt report``: tell a run as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avgdt.cli.arguments import UsageError, parse, positional
from avgdt.cli.progress import counting

USAGE = "Tell a run as one HTML page that needs no other file: avgdt report RUN [--data PATH]. Writes RUN/report.html."


@dataclass(frozen=True)
class Report:
    """What the page is made from, beside the run itself."""

    data: Path | None = None
    """Manifest (csv) or folder of the recordings, where they are not any more where the run found them."""


def run(arguments: Sequence[str]) -> None:
    """Read the command line and write the page."""
    name, rest = positional(arguments)
    options = parse(Report, rest, "report RUN", USAGE)
    if name is None:
        raise UsageError("which run? avgdt report RUN [--data PATH]")
    from avgdt.report.page import write_report

    with counting("writing the report") as written:
        page = write_report(Path(name), written, options.data)
    print(f"wrote {page}")
