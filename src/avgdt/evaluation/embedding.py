"""Embedding of all recordings of a data set, and storage of the vectors in a file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby
from math import ceil
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from avgdt.composition.factors import ModalityName
from avgdt.data.manifest import Entry
from avgdt.data.selection import Skipped, list_recordings, write_skipped
from avgdt.data.windows import Window
from avgdt.errors import missing_package
from avgdt.evaluation.cache import FeatureCache
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import Extract, Progress, Reader, embeddings, extract, mean_features
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.segments import Segment
from avgdt.files import write_atomically
from avgdt.models.pretrained import Output, PretrainedModel, load
from avgdt.processes import default_workers

WINDOWS_AT_ONCE = 16
"""Maximum number of windows of one file that are decoded together."""
WINDOWS_PER_PART = 1024
"""Approximate number of windows that are embedded before the vectors are written to disk."""
READERS: dict[Output, Reader] = {"features": mean_features, "embeddings": embeddings}


@dataclass(frozen=True)
class EmbeddingTable:
    """Vectors of many recordings, with one row per window or per recording."""

    vectors: NDArray[np.float32]
    """Vectors, (rows, dim)."""
    times: NDArray[np.float64]
    """Start time of each row's window (the first window if there is one row per recording), in seconds, (rows,)."""
    rows: NDArray[np.int64]
    """Index of each row's file in ``files``, (rows,)."""
    files: list[str]
    """Paths of the files that were embedded."""
    window_seconds: float
    """Length of a window, in seconds."""
    skipped: list[Skipped]
    """Files that were not embedded, with the reasons."""


def embed(
    data: Path | str,
    weights: Path | str | PretrainedModel,
    out: Path | str | None = None,
    modality: ModalityName = "video",
    every: float | None = None,
    output: Output = "features",
    device: str = "auto",
    workers: int = -1,
    on_scan: Progress | None = None,
    progress: Progress = lambda done, total: None,
) -> EmbeddingTable:
    """Embed all recordings of a folder or manifest; write the vectors to ``out`` (.npz or .parquet) if given.

    ``weights`` is a run folder, a weights file or a loaded model. For ``every`` and ``output``, see
    :meth:`PretrainedModel.embed`. Segments of a manifest (columns ``start`` and ``end``) are embedded separately.
    Skipped files are listed in ``OUT.skipped.csv``. Partial results are stored next to ``out``, so that the same call
    resumes after an interruption. Raises subclasses of ``AvgdtError``.
    """
    data, target = Path(data), None if out is None else Path(out)
    if every is not None and not every > 0:
        raise EvaluationError(f"every: must be above 0 seconds, got {every:g}")
    if target is not None and target.suffix not in (".npz", ".parquet"):
        raise EvaluationError(f"{target}: unknown format; the name must end in .npz or .parquet")
    if target is not None and target.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise EvaluationError(f"{target}: {missing_package('Parquet', 'pyarrow')} (or choose a name that ends in .npz)")
    model = weights if isinstance(weights, PretrainedModel) else load(weights, device)
    parts = None if target is None else target.with_name(f".{target.name}.parts")
    inspected = None if target is None else target.with_name(f".{target.name}.inspected.csv")
    count = default_workers(workers)
    entries = list_recordings(data, count + 1, on_scan, partial=inspected)
    reasons = [model.unusable(entry, modality) for entry in entries]
    skipped = [Skipped(entry.path, reason) for entry, reason in zip(entries, reasons, strict=True) if reason]
    usable = [entry for entry, reason in zip(entries, reasons, strict=True) if not reason]
    if not usable:
        reason = f"; first error: {skipped[0].reason}" if skipped else ""
        raise EvaluationError(f"{data}: none of {len(entries)} recordings can be embedded{reason}")
    table = _embed(model, usable, modality, every, output, count, parts, progress, skipped)
    if target is not None:
        _write(table, target)
        skipped_file = target.with_name(f"{target.name}.skipped.csv")
        skipped_file.unlink(missing_ok=True)
        if table.skipped:
            write_skipped(table.skipped, skipped_file)
    for path in (parts, inspected):
        if path is not None and path.exists():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return table


def _embed(
    model: PretrainedModel,
    entries: Sequence[Entry],
    modality: ModalityName,
    every: float | None,
    output: Output,
    workers: int,
    parts: Path | None,
    progress: Progress,
    skipped: list[Skipped],
) -> EmbeddingTable:
    windows = [model.windows(entry, modality, every) for entry in entries]
    plans = [
        Plan(Segment(index, ""), starts[first : first + WINDOWS_AT_ONCE])
        for index, starts in enumerate(windows)
        for first in range(0, len(starts), WINDOWS_AT_ONCE)
    ]
    plans.sort(key=lambda plan: len(plan.windows))  # all plans of a part have the same number of windows
    extracting: Extract = extract if parts is None else FeatureCache(parts).extract
    vectors_of = dict[int, dict[Window, NDArray[np.float32]]]()
    failures, done = dict[int, str](), 0
    for part in _parts(plans):
        before = done

        def on_progress(now: int, total: int, before: int = before) -> None:
            progress(before + now, len(plans))

        extraction = extracting(
            (model,),
            entries,
            part,
            (modality,),
            READERS[output],
            workers=workers,
            average=False,
            progress=on_progress,
        )
        for row, index in enumerate(extraction.read):
            plan, vectors = part[index], extraction.vectors[0][modality][row]
            vectors_of.setdefault(plan.segment.entry, {}).update(zip(plan.windows, vectors, strict=True))
        failures |= {part[index].segment.entry: reason for index, reason in extraction.failures.items()}
        done += len(part)
        progress(done, len(plans))
    skipped = [*skipped, *(Skipped(entries[index].path, reason) for index, reason in failures.items())]
    embedded = [index for index in range(len(entries)) if index not in failures]
    if not embedded:
        raise EvaluationError(f"none of {len(entries)} recordings could be embedded; last error: {skipped[-1].reason}")
    rows_of = [np.stack([vectors_of[index][window] for window in windows[index]]) for index in embedded]
    times = [np.array([window.video for window in windows[index]]) for index in embedded]
    if every is None:
        rows_of, times = [rows.mean(axis=0, keepdims=True) for rows in rows_of], [starts[:1] for starts in times]
    rows = np.repeat(np.arange(len(embedded)), [len(rows) for rows in rows_of])
    files = [str(entries[index].path) for index in embedded]
    return EmbeddingTable(np.concatenate(rows_of), np.concatenate(times), rows, files, model.seconds(modality), skipped)


def _parts(plans: Sequence[Plan]) -> Iterator[list[Plan]]:
    """Split sorted plans into parts of about ``WINDOWS_PER_PART`` windows.

    All plans of a part have the same number of windows.
    """
    for windows, equal in groupby(plans, key=lambda plan: len(plan.windows)):
        group, size = list(equal), ceil(WINDOWS_PER_PART / windows)
        for first in range(0, len(group), size):
            yield group[first : first + size]


def _write(table: EmbeddingTable, out: Path) -> None:
    remedy = "free some disk space and run the same command again: partial results are saved"
    if out.suffix == ".npz":
        files, seconds = np.array(table.files), np.float64(table.window_seconds)

        def save(file: BinaryIO) -> None:
            np.savez(file, vectors=table.vectors, times=table.times, rows=table.rows, files=files, seconds=seconds)

        write_atomically(out, save, remedy)
        return
    import pyarrow as arrow
    from pyarrow import parquet

    columns = {
        "file": [table.files[row] for row in table.rows],
        "time": table.times,
        "vector": arrow.FixedSizeListArray.from_arrays(table.vectors.reshape(-1), table.vectors.shape[1]),
    }
    write_atomically(out, lambda file: parquet.write_table(arrow.table(columns), file), remedy)
