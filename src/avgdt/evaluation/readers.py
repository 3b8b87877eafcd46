"""What is taken out of the networks."""

from __future__ import annotations

from collections.abc import Callable

import torch

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
