"""A name for what networks are shown and what they make of it, that changes with anything that matters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

import avgdt
from avgdt.data.manifest import Entry
from avgdt.evaluation.plans import Plan
from avgdt.files import source_digest
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.config import to_plain

_DECIDING = ("composition", "recipes", "media", "data", "transforms", "models", "training", "evaluation")
"""The packages whose code decides a result; the report and the command line do not."""


def code_digest() -> str:
    """Of the source code that decides results, so that what another version of it left on disk is not taken for its."""
    root = Path(avgdt.__file__).parent
    return hashlib.sha256("".join(source_digest(root / package) for package in _DECIDING).encode()).hexdigest()


def state_of_clips(entries: Sequence[Entry], plans: Sequence[Plan]) -> list[object]:
    """The files as they are now and the windows that are read of them, as plain data."""
    told = list[object]()
    for plan in plans:
        path = entries[plan.segment.entry].path.absolute()
        stat = path.stat() if path.exists() else None
        state = (stat.st_size, stat.st_mtime_ns) if stat is not None else None
        told.append([str(path), state, [asdict(window) for window in plan.windows]])
    return told


def digest(model: PretrainedModel, modalities: Sequence[str], told: str) -> str:
    """Of ``told`` and of all that decides what the networks of ``modalities`` make of clips."""
    recipe, precision = model.recipe, model.precision
    settings = [recipe.clip, recipe.log_mel, recipe.normalisation, recipe.composition, recipe.model]
    plain = [told, [to_plain(setting) for setting in settings], precision.name, precision.device.type]
    sha = hashlib.sha256(json.dumps(plain).encode())
    for name, tensor in model.phi.state_dict().items():
        if name.split(".")[1] in modalities:  # encoders.MODALITY... and heads.MODALITY...
            sha.update(name.encode())
            sha.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()[:24]
