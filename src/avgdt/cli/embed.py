"""``avgdt embed``: write features or embeddings of all recordings of a folder or a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from avgdt.cli.arguments import parse
from avgdt.progress import console, counting
from avgdt.report.formatting import printable
from avgdt.training.signals import advising


@dataclass(frozen=True)
class Embed:
    """Options of ``avgdt embed``."""

    data: Annotated[Path, tyro.conf.Positional]
    """Folder of recordings, manifest (csv), or a single recording."""
    weights: Path
    """Run folder or weights file (safetensors)."""
    out: Path
    """File for the vectors: NAME.npz with the arrays vectors, times, rows and files, or NAME.parquet with the columns
    file, time and vector (needs the extra parquet). Skipped files are listed in OUT.skipped.csv."""
    modality: Literal["video", "audio"] = "video"
    """Modality whose network embeds the recordings."""
    every: float | None = None
    """Interval in seconds between the starts of consecutive windows, with one vector per window. By default, each
    recording has one vector: the mean over non-overlapping windows."""
    output: Literal["features", "embeddings"] = "features"
    """features: vectors before the projection head, for classifiers. embeddings: vectors after the projection head, of
    length 1 and comparable between video and audio."""
    device: str = "auto"
    """Device: auto, cpu, cuda or cuda:N."""
    workers: int = -1
    """Number of decoding processes; -1 for a number that depends on the number of processor cores."""


def run(arguments: Sequence[str]) -> None:
    """Parse the command line, embed the recordings with a progress bar, and print what was written and skipped."""
    options = parse(
        Embed, arguments, "embed", "Write features or embeddings of all recordings of a folder or a manifest."
    )
    from avgdt.evaluation.embedding import embed
    from avgdt.training.provenance import own_command

    advice = f"partial results are saved; resume with: {own_command('embed', *arguments)}"
    with (
        advising(lambda: advice),
        counting("inspecting files", visible=False) as scanned,
        counting("embedding") as progress,
    ):
        table = embed(
            options.data,
            options.weights,
            options.out,
            options.modality,
            options.every,
            options.output,
            options.device,
            options.workers,
            scanned,
            progress,
        )
    rows, dim = table.vectors.shape
    console.print(f"wrote {printable(options.out)}: {rows} vectors of {dim} numbers from {len(table.files)} recordings")
    if table.skipped:
        console.print(f"{len(table.skipped)} files were skipped; see {printable(options.out)}.skipped.csv")
