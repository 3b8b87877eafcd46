"""Example recordings of a run and their cross-modal retrieval, written to ``results/examples.json`` for the report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry, read_manifest
from avgdt.data.selection import Selection, list_recordings, select
from avgdt.data.splits import split_name, split_of
from avgdt.data.windows import clip_span, unfit, uniform
from avgdt.evaluation.diagnosis import MODALITIES
from avgdt.evaluation.features import Progress, embeddings, extract
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.results import Result, examples_path, read_folder
from avgdt.evaluation.retrieval import chance, retrieval_metrics
from avgdt.evaluation.segments import Segment, labels
from avgdt.files import write_atomically
from avgdt.models.phi import Phi
from avgdt.models.pretrained import PretrainedModel, load, untrained
from avgdt.processes import default_workers
from avgdt.recipes.recipe import Recipe

MAX_RECORDINGS = 60
"""Maximum number of recordings in the retrieval gallery."""
QUERIES = 6
"""Maximum number of queries in each retrieval direction."""
NEAREST = 5
"""Number of nearest recordings listed for each query."""
VIEWED = 5
"""Maximum number of training recordings listed for the report, which shows the views of the first readable one."""


def update_examples(
    run: Path, recipe: Recipe, data: Path | None = None, progress: Progress = lambda done, total: None
) -> Path:
    """Write ``results/examples.json`` of the run folder ``run`` if it is out of date; return its path.

    The file is out of date if the weights are newer, if it was written for other ``data`` or another label, or if fewer
    recordings are missing than before. ``data`` is a manifest or a folder that replaces the run's ``manifest.csv``. If
    retrieval is not possible, the file contains the reason. Raises subclasses of ``AvgdtError`` for damaged weights and
    manifests.
    """
    path, weights, source = examples_path(run), run / "weights.safetensors", data or run / "manifest.csv"
    examples: dict[str, Any] = {"data": "" if data is None else str(data.absolute())}
    if data is None and not source.is_file():
        reason = "The run has no manifest.csv, so its recordings are unknown; specify them with --data."
        _write(path, {**examples, "networks": _networks(untrained(recipe, device="cpu").phi), "reason": reason})
        return path
    entries = read_manifest(source) if data is None else list_recordings(data, default_workers(recipe.run.workers) + 1)
    selection = _select(recipe, entries, read_folder(run), source)
    examples |= selection.summary()
    if _current(path, weights, examples):
        return path
    model = load(run) if weights.is_file() else None
    examples["networks"] = _networks((model or untrained(recipe, device="cpu")).phi)
    if set(recipe.composition.modalities) != set(MODALITIES):
        (modality,) = recipe.composition.modalities
        examples["reason"] = f"The run is trained on {modality} only, so there is no cross-modal retrieval."
    elif model is None:
        examples["reason"] = (
            "The run has no weights.safetensors yet, so no recording is embedded; finish it with --resume."
        )
    elif len(selection.gallery) < 2:
        examples["reason"] = "Retrieval needs at least two recordings whose files exist."
    else:
        examples["retrieval"] = _retrieval(model, selection, progress)
        if examples["retrieval"] is None:
            examples["reason"] = "Retrieval needs at least two readable recordings."
    _write(path, examples)
    return path


@dataclass(frozen=True)
class _Selection:
    """Recordings of a run that are shown in the report."""

    train: tuple[Entry, ...]
    held_out: tuple[Entry, ...]
    gallery: tuple[Entry, ...]
    """Recordings to embed, sorted by class; their files exist."""
    split: str
    """Name of the gallery's split: test, held-out or training."""
    missing: tuple[Path, ...]
    """Files listed in the manifest that do not exist."""
    label: str
    """Name of the column with the class of a recording; empty if there is none."""

    def summary(self) -> dict[str, Any]:
        """Return the selection as plain data for ``examples.json``."""
        viewed = islice((entry for entry in self.train if entry.path.is_file()), VIEWED)
        return {
            "label": self.label,
            "train": {"recordings": len(self.train), "seconds": sum(entry.duration or 0.0 for entry in self.train)},
            "held_out": {"recordings": len(self.held_out)},
            "missing": {"recordings": len(self.missing), "first": str(next(iter(self.missing), ""))},
            "viewed": [manifest_row(entry) for entry in viewed],
        }


def _select(recipe: Recipe, entries: Sequence[Entry], results: Sequence[Result], source: Path) -> _Selection:
    """Select the recordings of a run for the report.

    The gallery has at most :data:`MAX_RECORDINGS` recordings of the ``test`` split. If this split is trained on or has
    fewer than two usable recordings, the gallery is drawn from the held-out recordings or, if there are fewer than two
    of these as well, from the training recordings.
    """
    try:
        collection = select(entries, recipe.data, recipe.composition, recipe.clip, source)
    except DataError:
        collection = Selection((), (), ())
    test = tuple(
        entry
        for entry in entries
        if split_of(entry) == "test"
        and "test" not in map(split_name, recipe.data.splits)
        and not unfit(entry, recipe.composition, recipe.clip)
    )
    choices = (("test", test), ("held-out", collection.held_out), ("training", collection.train))
    split, gallery = next((choice for choice in choices if len(choice[1]) > 1), choices[-1])
    reachable = [entry for entry in gallery if entry.path.is_file()]
    sampled = np.sort(np.random.default_rng(0).permutation(len(reachable))[:MAX_RECORDINGS])
    label = _label(entries, results)
    return _Selection(
        collection.train,
        collection.held_out,
        # The sort is stable, so recordings of the same class keep their order.
        tuple(sorted((reachable[i] for i in sampled), key=lambda entry: entry.extra.get(label, ""))),
        split,
        tuple(entry.path for entry in entries if not entry.path.is_file()),
        label,
    )


def _label(entries: Sequence[Entry], results: Sequence[Result]) -> str:
    """Return the first label column of ``results`` that ``entries`` have, else ``label`` if they have it, else ""."""
    present = labels(entries)
    probed = [str(result["options"].get("label", "")) for result in results]
    return next((name for name in (*probed, "label") if name and name in present), "")


def _current(path: Path, weights: Path, examples: dict[str, Any]) -> bool:
    """Return whether the examples file ``path`` is up to date.

    The file must be at least as new as the weights, have the same data and label as ``examples``, and list no more
    missing recordings than ``examples``.
    """
    if not path.is_file() or (weights.is_file() and path.stat().st_mtime_ns < weights.stat().st_mtime_ns):
        return False
    with suppress(ValueError, KeyError, TypeError):  # a damaged file is rewritten
        written = json.loads(path.read_bytes())
        same = all(written[name] == examples[name] for name in ("data", "label"))
        return same and written["missing"]["recordings"] <= examples["missing"]["recordings"]
    return False


def _retrieval(model: PretrainedModel, selection: _Selection, progress: Progress) -> dict[str, Any] | None:
    """Compute cross-modal retrieval among the selected recordings, with ``model`` and with random weights.

    Each recording is represented by one clip from its middle. The entry ``similarity`` contains the (n, n) matrix of
    cosine similarities of each model, with one row per video clip and one column per audio clip. Returns None if fewer
    than two recordings can be read.
    """
    entries, clip = selection.gallery, model.recipe.clip
    plans = [
        Plan(Segment(index, ""), uniform(clip, clip_span(entry, MODALITIES), 1)) for index, entry in enumerate(entries)
    ]
    models = [model, untrained(model.recipe, device=str(model.device))]
    embedded = extract(models, entries, plans, MODALITIES, embeddings, workers=0, progress=progress)
    if len(embedded.read) < 2:
        return None
    vectors = dict(zip(("pretrained", "random"), embedded.vectors, strict=True))
    cosines = {source: v["video"].astype(np.float64) @ v["audio"].astype(np.float64).T for source, v in vectors.items()}
    classes = [entries[i].extra.get(selection.label, "") for i in embedded.read]
    metrics: dict[str, Any] = {
        source: {
            "video_to_audio": retrieval_metrics(v["video"], v["audio"]),
            "audio_to_video": retrieval_metrics(v["audio"], v["video"]),
        }
        for source, v in vectors.items()
    }
    metrics["chance"] = {direction: chance(len(classes)) for direction in metrics["pretrained"]}
    if any(classes):
        _add_same_class(metrics, cosines, classes)
    queries = select_queries(classes)
    return {
        "split": selection.split,
        "recordings": [
            {
                "row": manifest_row(entries[i]),
                "class": name,
                "time": plans[i].windows[0].video + clip.seconds / 2,
            }
            for i, name in zip(embedded.read, classes, strict=True)
        ],
        "similarity": {source: np.round(matrix, 6).tolist() for source, matrix in cosines.items()},
        **metrics,
        "queries": {
            "video": [nearest_recordings(cosines["pretrained"][query], query) for query in queries],
            "audio": [nearest_recordings(cosines["pretrained"][:, query], query) for query in queries],
        },
        "skipped": list(embedded.failures.values()),
    }


def _add_same_class(metrics: dict[str, Any], cosines: dict[str, NDArray[np.float64]], classes: Sequence[str]) -> None:
    """Add the fraction of queries whose nearest *other* recording has the query's class, and its chance level."""
    names = np.array(classes)
    same = names[:, None] == names[None, :]
    expected = float((same.sum(1) - 1).mean() / (len(names) - 1))
    for direction in ("video_to_audio", "audio_to_video"):
        for source, matrix in cosines.items():
            other_cosines = (matrix if direction == "video_to_audio" else matrix.T).copy()
            np.fill_diagonal(other_cosines, -np.inf)
            fraction = float(same[np.arange(len(names)), other_cosines.argmax(1)].mean())
            metrics[source][direction]["nearest_other_of_same_class"] = fraction
        metrics["chance"][direction]["nearest_other_of_same_class"] = expected


def select_queries(classes: Sequence[str]) -> list[int]:
    """Return the indices of up to :data:`QUERIES` random recordings, balanced over the classes."""
    counts: dict[str, int] = {}
    order: list[tuple[int, int, int]] = []
    for index in np.random.default_rng(0).permutation(len(classes)).tolist():
        order.append((counts.get(classes[index], 0), len(order), index))
        counts[classes[index]] = counts.get(classes[index], 0) + 1
    return [index for _, _, index in sorted(order)[:QUERIES]]


def nearest_recordings(cosines: NDArray[np.float64], query: int) -> dict[str, Any]:
    """Return the :data:`NEAREST` nearest recordings of a query, from its cosine similarities (n,) to all recordings.

    The result also contains the rank (from 1) of the query's own recording.
    """
    order = np.argsort(-cosines, kind="stable")
    return {
        "query": query,
        "nearest": order[:NEAREST].tolist(),
        "rank": 1 + int(np.flatnonzero(order == query)[0]),
    }


def _networks(phi: Phi) -> list[dict[str, Any]]:
    """Return, for each modality, the numbers of parameters of its encoder and head, and its feature dimension."""
    return [
        {
            "modality": modality,
            "encoder": sum(parameter.numel() for parameter in phi.encoders[modality].parameters()),
            "head": sum(parameter.numel() for parameter in phi.heads[modality].parameters()),
            "features": phi.dims[modality],
        }
        for modality in phi.modalities
    ]


def manifest_row(entry: Entry) -> dict[str, Any]:
    """Return a row of the manifest as plain data, with an absolute path."""
    return {**asdict(entry), "path": str(entry.path.absolute())}


def _write(path: Path, examples: dict[str, Any]) -> None:
    text = json.dumps(examples, allow_nan=False) + "\n"
    write_atomically(path, lambda file: file.write(text.encode()), remedy="free some disk space and try again")
