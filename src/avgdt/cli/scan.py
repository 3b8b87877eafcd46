"""``avgdt scan``: inspect all files of a folder and write a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.table import Table

from avgdt.cli.arguments import UsageError, parse
from avgdt.progress import console, counting, output
from avgdt.report.formatting import printable

if TYPE_CHECKING:
    from avgdt.data.manifest import Entry


@dataclass(frozen=True)
class Scan:
    """Options of ``avgdt scan``."""

    folder: Annotated[Path, tyro.conf.Positional]
    """Folder to scan, including its subfolders; files are recognised by content, not by suffix."""
    out: Path
    """Manifest (csv) to write, with one row per file and an error for each unusable file. If the manifest exists,
    unchanged files are not inspected again, and its extra columns are preserved."""
    layout: Literal["any", "kinetics400"] = "any"
    """any: all files of the folder. kinetics400: the clips of --list; missing and unlisted clips are marked."""
    list: tuple[Path, ...] = ()
    """Lists of kinetics400 as distributed (train.csv, validate.csv, test.csv), which provide splits and labels."""
    workers: int = -1
    """Number of additional processes that inspect files; 0 for a single process, -1 for a number that depends on the
    number of processor cores."""


def run(arguments: Sequence[str]) -> None:
    """Parse the command line, scan the folder, write the manifest and print a summary."""
    options = parse(
        Scan,
        arguments,
        "scan",
        "List every file of a folder with its duration, frame rate, sample rate, frame size, streams and error.",
    )
    if options.list and options.layout == "any":
        raise UsageError("--list is only valid with --layout kinetics400")
    from avgdt.data.benchmarks.kinetics import scan_layout
    from avgdt.data.manifest import write_manifest
    from avgdt.data.scan import Counts
    from avgdt.data.scan_summary import summary
    from avgdt.data.selection import list_recordings
    from avgdt.processes import default_workers

    partial = options.out.with_name(f".{options.out.name}.partial")
    counts, workers = Counts(), default_workers(options.workers) + 1
    previous, exclude = _previous(options.out), (options.out, partial)

    def on_counts(new: Counts) -> None:
        nonlocal counts
        counts = new

    try:
        with counting("inspecting files", visible=False) as progress:
            if options.layout == "kinetics400":
                entries = scan_layout(
                    options.folder, options.list, workers, progress, exclude, previous, partial, on_counts
                )
            else:
                entries = list_recordings(options.folder, workers, progress, exclude, previous, partial, on_counts)
    except KeyboardInterrupt:
        if partial.exists():
            console.print(f"partial results are saved in {printable(partial)}; resume with the same command")
        raise
    write_manifest(entries, options.out)
    partial.unlink(missing_ok=True)
    table = Table(show_header=False)
    for name, value in summary(entries):
        table.add_row(printable(name), printable(value))
    output().print(table)
    print(counts)
    print(f"wrote {printable(options.out)}")


def _previous(out: Path) -> list[Entry]:
    """Return the rows of the existing manifest ``out``, or an empty list if it is missing or damaged."""
    from avgdt.data.errors import ManifestError
    from avgdt.data.manifest import read_manifest

    try:
        return read_manifest(out) if out.exists() else []
    except ManifestError:
        return []
