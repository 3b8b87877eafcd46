"""avgdt: audio-visual self-supervision from generalized data transformations (arXiv 2003.04298).

The names below are imported when they are first used, so that ``import avgdt`` does not load PyTorch.

=====================  ====================================================================================
``load``               load a pretrained model, which embeds files and tensors, from a run or a weights file
``recipe``             return a named recipe: ``paper``, ``released``, ``small``, ``demo`` ...
``pretrain``           train without labels, like ``avgdt pretrain``
``evaluate``           compare pretrained weights with random ones, like ``avgdt evaluate``
``embed``              embed all recordings of a folder, like ``avgdt embed``
``batches``            yield clips of a folder of recordings, for a custom training loop
``Composition``        factors and augmentations, from which the views and their relations follow
``Views``              module that computes the views of a composition from a batch of clips
``Phi``                networks: an encoder and a projection head per modality
``MomentumEncoder``    slowly updated copy of ``Phi``, which computes the keys
``Bank``               memory bank of past keys of each view
``contrastive_loss``   compute the noise-contrastive loss over the views of a composition (equation 6)
``Recording``          media file, from which the frames and waveform of any time span are decoded
=====================  ====================================================================================

Factors (``Modality``, ``TimeShift``, ``Reversal``, ``Speed``, ``Strength``, ``Repeats``) and augmentations
(``RandomCrop``, ``SpecAugment`` ...) are also public names of this package.
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
"""Modules that add all names in their ``__all__`` to the public names of ``avgdt``."""
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
"""Public name -> module that defines it."""
_NAMES_IN_MODULE = {"recipe": "named"}
"""Public name -> name in the defining module, if the two differ."""


def _public() -> dict[str, str]:
    """Return a dict from every public name to the module that defines it."""
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
