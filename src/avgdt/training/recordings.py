"""The recordings of a run: manifest, selection, store and data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from avgdt.data.clips import ClipReader
from avgdt.data.dataset import Clips
from avgdt.data.errors import DataError, ManifestError
from avgdt.data.inspection_cache import unchanged
from avgdt.data.manifest import Entry, read_manifest, write_manifest
from avgdt.data.scan import Counts
from avgdt.data.selection import Progress, Selection, list_recordings, select, write_skipped
from avgdt.data.splits import recording_indices
from avgdt.data.store import Store, open_store
from avgdt.data.windows import Span, Window, clip_span, draw_windows, reaches_beyond
from avgdt.files import naming, write_atomically
from avgdt.processes import default_workers
from avgdt.recipes.config import to_yaml
from avgdt.recipes.recipe import Recipe
from avgdt.training.checkpoints import Checkpoints
from avgdt.training.errors import TrainingError
from avgdt.training.provenance import option, own_command
from avgdt.training.relocation import relocated
from avgdt.training.remedies import Remedies
from avgdt.training.resuming import check_recordings, recordings_remedy


def new_recordings(
    recipe: Recipe,
    data: Path,
    out: Path,
    on_scan: Progress | None,
    on_message: Callable[[str], None],
    remedies: Remedies,
) -> Selection:
    """Inspect the recordings of a new run, prepare its folder, and return the selected recordings.

    An interrupted inspection is resumed. Raises :class:`TrainingError` if the folder already holds a run.
    """
    if Checkpoints(out).paths():
        raise TrainingError(f"{out}: already holds a run; resume with: {remedies.resume()} (or choose another --out)")
    full = f"free some disk space, then: {remedies.restart()}"
    with naming(out, "choose another --out"):
        (out / "checkpoints").mkdir(exist_ok=True)
    again = "free some disk space and start the command again"
    write_atomically(out / "config.yaml", lambda file: file.write(to_yaml(recipe).encode()), again)

    def counted(counts: Counts) -> None:
        if counts.changed:
            on_message(f"files differ from the manifest: {counts}")

    inspected = out / ".inspected.csv"
    entries = list_recordings(
        data, default_workers(recipe.run.workers) + 1, on_scan, partial=inspected, on_counts=counted
    )
    _write_manifest(entries, out, full)
    inspected.unlink(missing_ok=True)
    collection = select(entries, recipe.data, recipe.composition, recipe.clip, data)
    with naming(out / "skipped.csv", full):
        write_skipped(collection.skipped, out / "skipped.csv")
    if beyond := sum(reaches_beyond(entry) for entry in collection.train):
        on_message(
            f"{beyond} segments extend beyond the bounds of their recording; clips are drawn from the existing part"
        )
    return collection


def resumed_recordings(
    recipe: Recipe,
    data: Path | None,
    out: Path,
    on_message: Callable[[str], None],
    on_scan: Progress | None,
    before: Sequence[str],
) -> Selection:
    """Return the recordings of a resumed run, as listed in its manifest; files added later are not used.

    If the manifest is missing, the recordings of ``data`` are inspected again. Raises :class:`TrainingError` if the
    recordings differ from those of the checkpoint, whose identities are ``before``.
    """
    manifest = out / "manifest.csv"
    if manifest.exists() or data is None:
        entries = listed = _listed(out)
        if data is not None:
            entries = relocated(listed, data)
    else:
        entries, listed = list_recordings(data, default_workers(recipe.run.workers) + 1, on_scan), []
        entries = [replace(entry, path=entry.path.absolute()) for entry in entries]
    source = data or manifest
    try:
        collection = select(entries, recipe.data, recipe.composition, recipe.clip, source)
    except DataError as error:
        raise TrainingError(f"{error}; {recordings_remedy(len(before), out)}") from None
    check_recordings(before, collection.train, source, out)
    if entries != listed:
        _write_manifest(entries, out, "free some disk space and start the command again")
    if changed := sum(not unchanged(entry) for entry in entries if not entry.error):
        on_message(
            f"{changed} of {len(entries)} files have changed since the run began; clips that no longer exist cannot be "
            "read"
        )
    return collection


def _listed(out: Path) -> list[Entry]:
    """Read the manifest of the run in ``out``; raise :class:`TrainingError` with a remedy if it cannot be read."""
    try:
        return read_manifest(out / "manifest.csv")
    except ManifestError as error:
        again = own_command("pretrain", "--resume", *option("--out", out), "--data", "PATH")
        raise TrainingError(
            f"{error}; restore it, or delete it and inspect the recordings again (PATH: the folder or manifest with "
            f"which the run was started): {again}"
        ) from None


def check_resumable(out: Path) -> None:
    """Raise :class:`TrainingError` unless the run in ``out`` has a checkpoint to resume from."""
    if not Checkpoints(out).paths():
        if not (out / "config.yaml").exists():
            raise TrainingError(f"{out}: no run to resume here; start the run without --resume")
        raise TrainingError(
            f"{out}: no checkpoint yet, since training had not started; start the run without --resume, with its "
            "recipe and --data"
        )


def _write_manifest(entries: list[Entry], out: Path, remedy: str) -> None:
    try:
        write_manifest(entries, out / "manifest.csv")
    except ManifestError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        with naming(out / "manifest.csv", remedy):
            raise error.__cause__ from None


def check_batch(recipe: Recipe, collection: Selection, data: Path) -> None:
    """Raise :class:`DataError` if there is only one training recording, or if the recordings do not fill a batch."""
    if len(set(recording_indices(collection.train))) < 2:
        raise DataError(
            f"{data}: holds a single recording for training ({collection.train[0].path.name}); contrastive learning "
            "compares recordings with each other: add more"
        )
    if recipe.run.batch > len(collection.train):
        raise DataError(
            f"run.batch: {recipe.run.batch} is more than the {len(collection.train)} training recordings of "
            f"{data}; use --run.batch {len(collection.train)} or less"
        )


def run_store(recipe: Recipe, collection: Selection, folder: Path) -> Store | None:
    """Return the store of decoded recordings of the run in ``folder``; None if the recipe disables the store.

    Raises ``WriteError`` if the folder of the store cannot be created.
    """
    store, clips = open_store(recipe.data, folder), recipe.composition.clips
    if store is None:
        return None
    modalities = recipe.composition.modalities
    return store.planned(
        collection.train,
        recipe.clip,
        seconds=recipe.schedule.epochs * recipe.clip.seconds * sum(speed for _, speed in clips),
        channels=recipe.model.video.channels if "video" in modalities else 0,
        rates=len({speed for _, speed in clips}) if "audio" in modalities else 0,
    )


def training_clips(recipe: Recipe, collection: Selection, store: Store | None = None) -> Clips:
    """Return the data set of a run, whose items are the rows of ``collection.train``.

    Each item is a pure function of (seed, epoch, item index).
    """
    composition = recipe.composition
    spans = [clip_span(entry, composition.modalities) for entry in collection.train]
    return Clips(
        collection.train,
        ClipReader(recipe.clip, composition.modalities, recipe.model.video.channels == 1, store),
        partial(_windows, recipe, spans),
        recording_indices(collection.train),
    )


def _windows(recipe: Recipe, spans: list[Span], epoch: int, index: int) -> tuple[Window, ...]:
    return draw_windows(recipe.composition, recipe.clip, spans[index], recipe.run.seed, epoch, index)
