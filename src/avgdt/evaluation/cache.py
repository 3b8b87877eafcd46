"""Features kept on disk, so that the same networks never see the same clips twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from avgdt.composition.factors import ModalityName
from avgdt.data.manifest import Entry
from avgdt.evaluation.digest import code_digest, digest, state_of_clips
from avgdt.evaluation.features import Extraction, Progress, Vectors, extract
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.readers import Reader
from avgdt.files import write_atomically
from avgdt.models.pretrained import PretrainedModel


@dataclass(frozen=True)
class FeatureCache:
    """One safetensors file for each network, set of clips and way of reading them; they may be deleted at any time."""

    folder: Path
    """Where the files are."""

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
        """As :func:`avgdt.evaluation.features.extract`, which is asked for the models that are not kept yet.

        Where a recording cannot be read nothing is kept, so that it is tried again. Raises ``WriteError`` where the
        folder cannot be written to.
        """
        clips = json.dumps([read.__name__, average, modalities, state_of_clips(entries, plans), code_digest()])
        paths = [self.folder / f"{read.__name__}-{digest(s, modalities, clips)}.safetensors" for s in models]
        found = [_read(path, modalities) for path in paths]
        missing = [number for number, vectors in enumerate(found) if vectors is None]

        def fresh(numbers: Sequence[int]) -> Extraction:
            chosen = [models[number] for number in numbers]
            return extract(
                chosen, entries, plans, modalities, read, workers=workers, average=average, progress=progress
            )

        if missing:
            extracted = fresh(missing)
            if extracted.failures:
                return extracted if len(missing) == len(models) else fresh(range(len(models)))
            for number, vectors in zip(missing, extracted.vectors, strict=True):
                found[number] = vectors
                _write(vectors, paths[number])
        return Extraction(list(range(len(plans))), [vectors for vectors in found if vectors is not None], {})


def _read(path: Path, modalities: Sequence[ModalityName]) -> Vectors | None:
    try:
        kept = load_file(path)
        return {modality: kept[modality] for modality in modalities}
    except (OSError, SafetensorError, KeyError):
        return None  # not there, or cut off: made anew


def _write(vectors: Vectors, path: Path) -> None:
    write_atomically(
        path,
        lambda file: file.write(save({str(modality): rows for modality, rows in vectors.items()})),
        remedy="free some space and try again",
    )
