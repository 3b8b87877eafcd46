"""Phi: the network of the method, which sends each view to the encoder of its modality (section 3.3 of the paper)."""

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
    """One encoder and one projection head per modality."""

    def __init__(self, model: Model, modalities: Sequence[str] = ("video", "audio")) -> None:
        """Build with fresh weights; raise :class:`ModelError` for a modality that has no encoder."""
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
        """The modalities that have an encoder here."""
        return tuple(self.encoders)

    def feature_map(self, modality: str, x: torch.Tensor) -> torch.Tensor:
        """The encoder's last convolution: (batch, dim, time', height', width') or (batch, dim, mels', time')."""
        if modality not in self.encoders:
            raise ModelError(f"these networks have no encoder for {modality!r}, only for {', '.join(self.modalities)}")
        return self.encoders[modality](x)

    def features(self, modality: str, x: torch.Tensor) -> torch.Tensor:
        """The feature map averaged over time and space, float32 (batch, dim); what downstream tasks use."""
        x = self.feature_map(modality, x)
        return x.mean(dim=tuple(range(2, x.dim()))).float()

    def embed(self, modality: str, x: torch.Tensor, unit: bool = True) -> torch.Tensor:
        """Embeddings, float32 (batch, out), whatever the precision of the networks; of length 1, or as the head gives.

        The contrastive losses compare directions alone; SIGReg needs the lengths too.
        """
        features = self.features(modality, x)
        embeddings = self.heads[modality](features).float()
        return F.normalize(embeddings, dim=1) if unit else embeddings

    def embed_views(
        self, views: Sequence[torch.Tensor], modalities: Sequence[str], unit: bool = True
    ) -> list[torch.Tensor]:
        """Embeddings (batch, out) of each view, in order; ``modalities`` names the modality of each.

        Views of one modality go through its encoder as one batch: one pass is faster than several, and batch norm
        then sees all views alike, so that it cannot tell (or hide) which view a clip is.
        """
        embeddings: list[torch.Tensor] = [torch.empty(0)] * len(views)
        for modality in dict.fromkeys(modalities):
            places = [place for place, name in enumerate(modalities) if name == modality]
            batch = torch.cat([views[place] for place in places])
            sizes = [len(views[place]) for place in places]
            for place, embedding in zip(places, torch.split(self.embed(modality, batch, unit), sizes), strict=True):
                embeddings[place] = embedding
        return embeddings

    def forward(
        self, views: Sequence[torch.Tensor], modalities: Sequence[str], unit: bool = True
    ) -> list[torch.Tensor]:
        """The same as :meth:`embed_views`, so that wrappers of modules (distribution, compilation) see the call."""
        return self.embed_views(views, modalities, unit)


def _encoder(model: Model, modality: str) -> R2Plus1D | ResNet:
    if modality == "video":
        return R2Plus1D(model.video.blocks, model.video.width, model.video.channels)
    if modality == "audio":
        return ResNet(model.audio.blocks, model.audio.width)
    raise ModelError(f"no encoder is known for the modality {modality!r}: use video or audio")
