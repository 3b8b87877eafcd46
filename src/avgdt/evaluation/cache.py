"""Disk cache of features and fold scores; each key is a digest of everything on which the entry depends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

import avgdt
from avgdt.composition.factors import ModalityName
from avgdt.data.manifest import Entry
from avgdt.evaluation.features import Extraction, Progress, Reader, Vectors, extract
from avgdt.evaluation.metrics import FoldScore, Score
from avgdt.evaluation.plans import Plan
from avgdt.files import source_digest, write_atomically
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.config import to_plain

_WITHOUT_EFFECT = ("cli", "report", "synthetic")
"""Packages whose code does not affect results; the digest covers all other packages."""


def code_digest() -> str:
    """Return a digest of the source code that affects results, so that files from other code versions are not used."""
    root = Path(avgdt.__file__).parent
    packages = sorted(path.parent for path in root.glob("*/__init__.py") if path.parent.name not in _WITHOUT_EFFECT)
    return hashlib.sha256("".join(map(source_digest, packages)).encode()).hexdigest()


def state_of_clips(entries: Sequence[Entry], plans: Sequence[Plan]) -> list[object]:
    """Return the path, size and modification time of each plan's file, and the plan's windows, as plain data."""
    state = list[object]()
    for plan in plans:
        path = entries[plan.segment.entry].path.absolute()
        stat = path.stat() if path.exists() else None
        size_and_time = (stat.st_size, stat.st_mtime_ns) if stat is not None else None
        state.append([str(path), size_and_time, [asdict(window) for window in plan.windows]])
    return state


def digest(model: PretrainedModel, modalities: Sequence[str], context: str) -> str:
    """Return a digest of ``context``, the precision, and the networks for ``modalities`` (weights and settings)."""
    recipe, precision = model.recipe, model.precision
    settings = [recipe.clip, recipe.log_mel, recipe.normalisation, recipe.composition, recipe.model]
    plain = [context, [to_plain(setting) for setting in settings], precision.name, precision.device.type]
    sha = hashlib.sha256(json.dumps(plain).encode())
    for name, tensor in model.phi.state_dict().items():
        if name.split(".")[1] in modalities:  # names are encoders.MODALITY... or heads.MODALITY...
            sha.update(name.encode())
            sha.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()[:24]


def array_digest(array: NDArray[np.generic]) -> str:
    """Return a digest of the data type, the shape and the values of an array."""
    sha = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
    sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


@dataclass(frozen=True)
class FeatureCache:
    """Cache of features, with one safetensors file for each combination of model, clips and reader.

    The files may be deleted at any time.
    """

    folder: Path
    """Folder of the cached features."""

    def extract(
        self,
        models: Sequence[PretrainedModel],
        entries: Sequence[Entry],
        plans: Sequence[Plan],
        modalities: tuple[ModalityName, ...],
        read: Reader,
        *,
        workers: int,
        average: bool = True,
        progress: Progress = lambda done, total: None,
    ) -> Extraction:
        """Return the vectors of all models; the vectors of models without a cache file are extracted and cached.

        For the arguments, see :func:`avgdt.evaluation.features.extract`. If a recording cannot be read, no file is
        written, so the next call tries to read the recording again. Raises ``WriteError`` if the folder cannot be
        written to.
        """
        clips = json.dumps([read.__name__, average, modalities, state_of_clips(entries, plans), code_digest()])
        paths = [self.folder / f"{read.__name__}-{digest(model, modalities, clips)}.safetensors" for model in models]
        cached = [_read(path, modalities) for path in paths]
        missing = [number for number, vectors in enumerate(cached) if vectors is None]

        def fresh(numbers: Sequence[int]) -> Extraction:
            selected = [models[number] for number in numbers]
            return extract(
                selected, entries, plans, modalities, read, workers=workers, average=average, progress=progress
            )

        if missing:
            extracted = fresh(missing)
            if extracted.failures:
                return extracted if len(missing) == len(models) else fresh(range(len(models)))
            for number, vectors in zip(missing, extracted.vectors, strict=True):
                cached[number] = vectors
                _write(vectors, paths[number])
        return Extraction(list(range(len(plans))), [vectors for vectors in cached if vectors is not None], {})


def _read(path: Path, modalities: Sequence[ModalityName]) -> Vectors | None:
    try:
        tensors = load_file(path)
        return {modality: tensors[modality] for modality in modalities}
    except (OSError, SafetensorError, KeyError):
        return None  # missing or truncated: the features are extracted again


def _write(vectors: Vectors, path: Path) -> None:
    write_atomically(
        path,
        lambda file: file.write(save({str(modality): rows for modality, rows in vectors.items()})),
        remedy="free some disk space and try again",
    )


@dataclass(frozen=True)
class FoldCache:
    """Cache of fold scores, with one JSON file for each finished fold; the files may be deleted at any time."""

    folder: Path
    """Folder of the cached scores."""

    def score(self, context: object, test: Callable[[], FoldScore]) -> FoldScore:
        """Return the score stored under ``context``; if there is none, compute it with ``test`` and store it.

        ``context`` is plain data that, together with the code, determines the score. Raises ``WriteError`` if the
        folder cannot be written to.
        """
        plain = json.dumps([context, code_digest()])
        path = self.folder / f"fold-{hashlib.sha256(plain.encode()).hexdigest()[:24]}.json"
        stored = _read_score(path)
        if stored is not None:
            return stored
        tested = test()
        text = json.dumps({"confusion": tested.score.confusion.tolist(), "details": dict(tested.details)})
        write_atomically(path, lambda file: file.write(text.encode()), remedy="free some disk space and try again")
        return tested


def _read_score(path: Path) -> FoldScore | None:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return FoldScore(Score(np.array(stored["confusion"], dtype=np.int64)), dict(stored["details"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # missing or damaged: the fold is evaluated again
