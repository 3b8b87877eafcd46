"""Python API of the commands ``pretrain`` and ``evaluate``, and batches for custom training loops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from avgdt.data.batch import Batch
from avgdt.data.dataset import Batches, training_batches
from avgdt.data.selection import list_recordings, select
from avgdt.evaluation import evaluate as evaluation
from avgdt.evaluation.held_out import monitors
from avgdt.evaluation.protocols import protocol as protocol_of
from avgdt.evaluation.results import Result
from avgdt.processes import default_workers
from avgdt.recipes.named import named
from avgdt.recipes.recipe import Recipe
from avgdt.training import pretrain as training
from avgdt.training.recordings import check_batch, training_clips


def pretrain(
    recipe: Recipe | str,
    data: Path | str | None,
    out: Path | str,
    *,
    resume: bool = False,
    weights: Path | str | None = None,
) -> Path:
    """Pretrain on the unlabelled recordings of ``data``, a folder or a manifest; return the path of the weights.

    ``recipe`` is a recipe or its name. If ``resume`` is True, the run in ``out`` is resumed, and ``data`` is None or
    the new location of recordings that were moved. ``weights`` is a run folder or a weights file from which a new run
    is initialised. ``out`` contains the same files as after ``avgdt pretrain``. Raises subclasses of ``AvgdtError``.
    """
    resolved = named(recipe) if isinstance(recipe, str) else recipe
    source, start = (None if path is None else Path(path) for path in (data, weights))
    return training.pretrain(resolved, source, Path(out), resume, training.Callbacks(monitors), start)


def batches(data: Path | str, recipe: Recipe | str, *, workers: int = -1) -> Iterator[Batch]:
    """Yield the batches of clips for all epochs of a recipe, for a custom training loop.

    Unusable files are skipped; recordings that cannot be read during training are listed in ``batch.failures``. Raises
    ``DataError`` if the recordings do not fill a batch.
    """
    resolved, source = named(recipe) if isinstance(recipe, str) else recipe, Path(data)
    count = default_workers(workers)
    collection = select(list_recordings(source, count + 1), resolved.data, resolved.composition, resolved.clip, source)
    check_batch(resolved, collection, source)
    order = Batches(len(collection.train), resolved.run.batch, resolved.schedule.epochs, resolved.run.seed)
    with closing(training_batches(training_clips(resolved, collection), order, count, pin_memory=False)) as loaded:
        yield from loaded


def evaluate(
    protocol: str,
    weights: Path | str,
    data: Path | str,
    out: Path | str | None = None,
    *,
    device: str = "auto",
    **options: Any,
) -> Result:
    """Compare ``weights`` with random weights in a protocol of ``avgdt evaluate``, such as "linear" or "esc50".

    ``options`` are fields of the protocol, such as ``label="class"``. The result is also written to
    ``results/PROTOCOL.json`` in ``out``, which is by default the folder of the weights. Raises subclasses of
    ``AvgdtError``.
    """
    weights = Path(weights)
    folder = Path(out) if out is not None else weights if weights.is_dir() else weights.parent
    return evaluation.evaluate(protocol_of(protocol)(**options), weights, Path(data), folder, device)[0]
