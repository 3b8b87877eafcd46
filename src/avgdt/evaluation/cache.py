"""Features kept on disk, so that the same networks never see the same clips twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from avgdt import __version__
from avgdt.evaluation.features import Extraction, Progress, Vectors, extract
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.readers import Reader
from avgdt.evaluation.subject import Subject
from avgdt.media.manifest import Entry
from avgdt.recipes.config import to_plain
from avgdt.recipes.factors import ModalityName
from avgdt.training.files import write_atomically


@dataclass(frozen=True)
class FeatureCache:
    """One safetensors file for each network, set of clips and way of reading them; they may be deleted at any time."""

    folder: Path
    """Where the files are."""

    def extract(
        self,
        subjects: Sequence[Subject],
        entries: Sequence[Entry],
        plans: Sequence[Plan],
        modalities: tuple[ModalityName, ...],
        read: Reader,
        *,
        workers: int,
        average: bool = True,
        progress: Progress = lambda done, total: None,
    ) -> Extraction:
        """As :func:`avgdt.evaluation.features.extract`, which is asked for the subjects that are not kept yet.

        Where a recording cannot be read nothing is kept, so that it is tried again. Raises ``TrainingError`` where the
        folder cannot be written to.
        """
        clips = json.dumps([read.__name__, average, modalities, _clips(entries, plans), __version__])
        paths = [self.folder / f"{read.__name__}-{_digest(s, modalities, clips)}.safetensors" for s in subjects]
        found = [_read(path, modalities) for path in paths]
        missing = [number for number, vectors in enumerate(found) if vectors is None]

        def fresh(numbers: Sequence[int]) -> Extraction:
            chosen = [subjects[number] for number in numbers]
            return extract(
                chosen, entries, plans, modalities, read, workers=workers, average=average, progress=progress
            )

        if missing:
            extracted = fresh(missing)
            if extracted.failures:
                return extracted if len(missing) == len(subjects) else fresh(range(len(subjects)))
            for number, vectors in zip(missing, extracted.vectors, strict=True):
                found[number] = vectors
                _write(vectors, paths[number])
        return Extraction(list(range(len(plans))), [vectors for vectors in found if vectors is not None], {})


def _clips(entries: Sequence[Entry], plans: Sequence[Plan]) -> list[object]:
    """The files as they are now and the windows that are read of them."""
    told = list[object]()
    for plan in plans:
        path = entries[plan.segment.entry].path.absolute()
        stat = path.stat() if path.exists() else None
        state = (stat.st_size, stat.st_mtime_ns) if stat is not None else None
        told.append([str(path), state, [asdict(window) for window in plan.windows]])
    return told


def _digest(subject: Subject, modalities: Sequence[str], clips: str) -> str:
    """Of all that decides what the network makes of the clips."""
    recipe, precision = subject.recipe, subject.precision
    settings = [recipe.clip, recipe.log_mel, recipe.picture, recipe.composition, recipe.model]
    told = [clips, [to_plain(setting) for setting in settings], precision.name, precision.device.type]
    digest = hashlib.sha256(json.dumps(told).encode())
    for name, tensor in subject.phi.state_dict().items():
        if name.split(".")[1] in modalities:  # encoders.MODALITY... and heads.MODALITY...
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:24]


def _read(path: Path, modalities: Sequence[ModalityName]) -> Vectors | None:
    try:
        kept = load_file(path)
        return {modality: kept[modality] for modality in modalities}
    except (OSError, SafetensorError, KeyError):
        return None  # not there, or cut off: made anew


def _write(vectors: Vectors, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(
        path,
        lambda file: file.write(save({str(modality): rows for modality, rows in vectors.items()})),
        remedy="free some space and try again",
    )
