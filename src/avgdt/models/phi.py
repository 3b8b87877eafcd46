"""Network Phi, which passes each view to the encoder and head of its modality (section 3.3 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from avgdt.models.errors import ModelError
from avgdt.models.head import ProjectionHead
from avgdt.models.r2plus1d import R2Plus1D
from avgdt.models.resnet import ResNet
from avgdt.recipes.model import Model


class Phi(nn.Module):
    """Network Phi: one encoder and one projection head per modality."""

    def __init__(self, model: Model, modalities: Sequence[str] = ("video", "audio")) -> None:
        """Build the networks with random weights. Raises :class:`ModelError` for an unknown modality."""
        super().__init__()
        self.encoders = nn.ModuleDict()
        self.heads = nn.ModuleDict()
        self.dims: dict[str, int] = {}
        for modality in modalities:
            encoder = _encoder(model, modality)
            self.encoders[modality] = encoder
            self.dims[modality] = encoder.dim
            self.heads[modality] = ProjectionHead(encoder.dim, model.head)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modalities that have an encoder."""
        return tuple(self.encoders)

    def feature_map(self, modality: str, x: torch.Tensor) -> torch.Tensor:
        """Return the last convolution's output, (batch, dim, time', height', width') or (batch, dim, mels', time')."""
        if modality not in self.encoders:
            raise ModelError(f"modality: no encoder for {modality!r}, only for {', '.join(self.modalities)}")
        return self.encoders[modality](x)

    def features(self, modality: str, x: torch.Tensor) -> torch.Tensor:
        """Return the features for downstream tasks, (batch, dim) float32: the mean feature map over time and space."""
        x = self.feature_map(modality, x)
        return x.mean(dim=tuple(range(2, x.dim()))).float()

    def embed(self, modality: str, x: torch.Tensor, unit: bool = True) -> torch.Tensor:
        """Compute the output of the projection head, (batch, out) float32, normalised to unit length if ``unit``.

        The contrastive losses compare only directions; SIGReg also needs the lengths.
        """
        features = self.features(modality, x)
        embeddings = self.heads[modality](features).float()
        return F.normalize(embeddings, dim=1) if unit else embeddings

    def forward(
        self, views: Sequence[torch.Tensor], modalities: Sequence[str], unit: bool = True
    ) -> list[torch.Tensor]:
        """Compute the embeddings (batch, out) of each view, in order; ``modalities`` names the modality of each view.

        Views of one modality are concatenated into one batch for its encoder. One pass is faster than several. Batch
        norm uses the same statistics for all views of a modality, so that they do not reveal which view a clip belongs
        to.
        """
        embeddings: list[torch.Tensor] = [torch.empty(0)] * len(views)
        for modality in dict.fromkeys(modalities):
            indices = [index for index, name in enumerate(modalities) if name == modality]
            batch = torch.cat([views[index] for index in indices])
            sizes = [len(views[index]) for index in indices]
            for index, embedding in zip(indices, torch.split(self.embed(modality, batch, unit), sizes), strict=True):
                embeddings[index] = embedding
        return embeddings


def _encoder(model: Model, modality: str) -> R2Plus1D | ResNet:
    if modality == "video":
        return R2Plus1D(model.video.blocks, model.video.width, model.video.channels)
    if modality == "audio":
        return ResNet(model.audio.blocks, model.audio.width)
    raise ModelError(f"modality: {modality!r} has no encoder; use video or audio")
