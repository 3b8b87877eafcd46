"""avgdt: audio-visual self-supervision from generalized data transformations (arXiv 2003.04298).

The names below are loaded when they are first used: ``import avgdt`` imports nothing heavy.

=====================  ====================================================================================
``load``               a pretrained model from a run or a weights file, which embeds files and tensors
``recipe``             a named recipe: ``paper``, ``released``, ``small``, ``demo`` ...
``pretrain``           train without labels, as ``avgdt pretrain``
``evaluate``           compare pretrained weights with random ones, as ``avgdt evaluate``
``embed``              the vectors of all recordings of a folder, as ``avgdt embed``
``batches``            clips of a folder of recordings, for a custom training loop
``Composition``        factors and augmentations; derives the views and which of them attract and repel
``Views``              makes the views of a composition from a batch of clips
``Phi``                the networks: an encoder and a projection head per modality
``MomentumEncoder``    a slowly updated copy of ``Phi``, which computes the keys
``Bank``               the memory bank: past keys of each transformation
``contrastive_loss``   noise-contrastive loss over the views of a composition (equation 6)
``Recording``          frames and waveform of any time span of a media file
=====================  ====================================================================================

Factors (``Modality``, ``TimeShift``, ``Reversal``, ``Speed``, ``Strength``, ``Repeats``) and augmentations
(``RandomCrop``, ``SpecAugment`` ...) are public names of this package too.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avgdt.api import batches as batches
    from avgdt.api import evaluate as evaluate
    from avgdt.api import pretrain as pretrain
    from avgdt.composition.audio_augmentations import *  # noqa: F403
    from avgdt.composition.composition import Composition as Composition
    from avgdt.composition.factors import *  # noqa: F403
    from avgdt.composition.video_augmentations import *  # noqa: F403
    from avgdt.evaluation.embedding import embed as embed
    from avgdt.media.recording import Recording as Recording
    from avgdt.models.phi import Phi as Phi
    from avgdt.models.pretrained import PretrainedModel as PretrainedModel
    from avgdt.models.pretrained import load as load
    from avgdt.objective.bank import Bank as Bank
    from avgdt.objective.momentum import MomentumEncoder as MomentumEncoder
    from avgdt.objective.nce import contrastive_loss as contrastive_loss
    from avgdt.recipes.named import named as recipe  # noqa: F401
    from avgdt.transforms.views import Views as Views

__version__ = "0.2.0"

_STARRED_MODULES = tuple(
    f"avgdt.composition.{name}" for name in ("factors", "video_augmentations", "audio_augmentations")
)
"""Modules whose whole ``__all__`` is public."""
_MODULES: dict[str, str] = {
    "load": "avgdt.models.pretrained",
    "PretrainedModel": "avgdt.models.pretrained",
    "recipe": "avgdt.recipes.named",
    "pretrain": "avgdt.api",
    "batches": "avgdt.api",
    "evaluate": "avgdt.api",
    "embed": "avgdt.evaluation.embedding",
    "Views": "avgdt.transforms.views",
    "Phi": "avgdt.models.phi",
    "MomentumEncoder": "avgdt.objective.momentum",
    "Bank": "avgdt.objective.bank",
    "contrastive_loss": "avgdt.objective.nce",
    "Recording": "avgdt.media.recording",
    "Composition": "avgdt.composition.composition",
}
"""Public name -> its module."""
_NAMES_IN_MODULE = {"recipe": "named"}
"""Public name -> its name in its module, where the two differ."""


def _public() -> dict[str, str]:
    """Every public name and its module."""
    return _MODULES | {name: module for module in _STARRED_MODULES for name in importlib.import_module(module).__all__}


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return list(_public())
    module = _MODULES.get(name) or _public().get(name)
    if module is None:
        raise AttributeError(f"module 'avgdt' has no attribute {name!r}")
    value = getattr(importlib.import_module(module), _NAMES_IN_MODULE.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_public()})
