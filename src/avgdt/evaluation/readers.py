"""What is taken out of the networks."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F

from avgdt.evaluation.errors import EvaluationError
from avgdt.models.phi import Phi

Reader = Callable[[Phi, str, torch.Tensor], torch.Tensor]
"""(networks, modality, view) -> (batch, dim)."""


def embeddings(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
    """What the objective compares: of unit length, (batch, out)."""
    return phi.embed(modality, view)


def mean_features(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
    """The last convolution averaged over time and space, (batch, dim)."""
    return phi.features(modality, view)


def timed_features(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
    """The last convolution averaged over space or frequency only, its time steps side by side, (batch, dim * time)."""
    features = phi.feature_map(modality, view).float()
    # video (batch, dim, time, height, width); audio (batch, dim, mels, time)
    space = (3, 4) if modality == "video" else (2,)
    return features.mean(dim=space).flatten(1)


def conv5_features(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
    """The last convolution of a spectrogram, pooled by :func:`pool_conv5`, (batch, dim * mels' * pooled time)."""
    return pool_conv5(phi.feature_map(modality, view))


def pool_conv5(feature_map: torch.Tensor) -> torch.Tensor:
    """The paper's pooling for ESC-50: (batch, dim, mels', time') -> maxima of three time steps, every second, as rows.

    ResNet-18 makes 512 x 2 x 7 of two seconds, hence 512 x 2 x 3 = 3072 features. Raises :class:`EvaluationError` for
    fewer than three steps.
    """
    if feature_map.shape[-1] < 3:
        raise EvaluationError(
            f"weights: the audio network leaves {feature_map.shape[-1]} time steps of a sub-clip, and 3 are pooled; "
            "its recipe's log_mel.step is too long"
        )
    return F.max_pool2d(feature_map.float(), (1, 3), (1, 2)).flatten(1)


def spectrograms(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
    """What a network is shown, for those that will be trained: the view itself as rows, (batch, mels * time)."""
    return view.flatten(1)
