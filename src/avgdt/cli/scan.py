"""``avgdt scan``: what is in a folder of media, file by file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.table import Table

from avgdt.cli.arguments import UsageError, parse
from avgdt.cli.progress import counting


@dataclass(frozen=True)
class Scan:
    """Which folder, and where the list goes."""

    folder: Annotated[Path, tyro.conf.Positional]
    """Folder to look through, with all folders below it; endings of names are not trusted."""
    out: Path
    """The manifest (csv) to write: one line per file, with its error where it has one."""
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
    from avgdt.data.collection import find
    from avgdt.data.kinetics import scan_layout
    from avgdt.media.manifest import write_manifest
    from avgdt.media.summary import summary
    from avgdt.training.pretrain import default_workers

    with counting("looking at files") as progress:
        workers = default_workers(options.workers) + 1
        if options.layout == "kinetics400":
            entries = scan_layout(options.folder, options.list, workers, progress, exclude=(options.out,))
        else:
            entries = find(options.folder, workers, progress, exclude=(options.out,))
    write_manifest(entries, options.out)
    table = Table(show_header=False)
    for name, value in summary(entries):
        table.add_row(name, value)
    Console().print(table)
    print(f"wrote {options.out}")
