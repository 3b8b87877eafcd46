"""``avgdt scan``: what is in a folder of media, file by file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.table import Table

from avgdt.cli.arguments import UsageError, parse
from avgdt.progress import console, counting, output
from avgdt.report.wording import printable

if TYPE_CHECKING:
    from avgdt.data.entry import Entry


@dataclass(frozen=True)
class Scan:
    """Which folder, and where the list goes."""

    folder: Annotated[Path, tyro.conf.Positional]
    """Folder to look through, with all folders below it; endings of names are not trusted."""
    out: Path
    """The manifest (csv) to write: one line per file, with its error where it has one. Where it is there already, files
    that have not changed since are not inspected again, and its other columns stay."""
    layout: Literal["any", "kinetics400"] = "any"
    """any: all files of the folder. kinetics400: the clips of --list, those that are missing and those not listed."""
    list: tuple[Path, ...] = ()
    """Lists of kinetics400 as distributed: train.csv, validate.csv, test.csv; a clip's split and label are kept."""
    workers: int = -1
    """Processes that open files; -1 chooses by the processor."""


def run(arguments: Sequence[str]) -> None:
    """Scan, write the manifest, print the summary."""
    options = parse(Scan, arguments, "scan", "List every file of a folder: duration, rates, sizes, sound, error.")
    if options.list and options.layout == "any":
        raise UsageError("--list goes with --layout kinetics400")
    from avgdt.data.benchmarks.kinetics import scan_layout
    from avgdt.data.collection import find
    from avgdt.data.findings import Counts
    from avgdt.data.manifest import write_manifest
    from avgdt.data.summary import summary
    from avgdt.training.run_data import default_workers

    keep = options.out.with_name(f".{options.out.name}.partial")
    told, workers = Counts(), default_workers(options.workers) + 1
    known, exclude = _known(options.out), (options.out, keep)

    def counted(counts: Counts) -> None:
        nonlocal told
        told = counts

    try:
        with counting("looking at files") as progress:
            if options.layout == "kinetics400":
                entries = scan_layout(options.folder, options.list, workers, progress, exclude, known, keep, counted)
            else:
                entries = find(options.folder, workers, progress, exclude, known, keep, counted)
    except KeyboardInterrupt:
        if keep.exists():
            console.print(f"what was inspected is kept in {printable(keep)}; the same command goes on from there")
        raise
    write_manifest(entries, options.out)
    keep.unlink(missing_ok=True)
    table = Table(show_header=False)
    for name, value in summary(entries):
        table.add_row(printable(name), printable(value))
    output().print(table)
    print(told)
    print(f"wrote {printable(options.out)}")


def _known(out: Path) -> list[Entry]:
    """What an earlier manifest tells; nothing where there is none."""
    from avgdt.data.manifest import ManifestError, read_manifest

    try:
        return read_manifest(out) if out.exists() else []
    except ManifestError:
        return []
