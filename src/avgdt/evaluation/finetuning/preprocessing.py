"""Preprocessing of clips for finetuning: clip length, training augmentations and test crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from avgdt.composition.audio_augmentations import AudioAugmentation
from avgdt.composition.composition import check_video_augmentations, crop_size
from avgdt.composition.factors import ModalityName
from avgdt.composition.video_augmentations import VideoAugmentation
from avgdt.data.batch import Batch
from avgdt.evaluation.errors import EvaluationError
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.clip import Clip
from avgdt.recipes.config import to_plain
from avgdt.recipes.finetuning import Finetuning
from avgdt.transforms.rng import Generators
from avgdt.transforms.views import Views


def with_finetuning_clips(model: PretrainedModel, finetuning: Finetuning, modality: ModalityName) -> PretrainedModel:
    """Return the model with video clips of ``finetuning.frames`` frames; audio clips remain as in pretraining.

    Raises :class:`EvaluationError` if crops are larger than the model's frames, or if several spatial crops are set for
    networks whose frames are not cropped.
    """
    if modality == "audio":
        return model
    clip = replace(model.recipe.clip, frames=finetuning.frames or model.recipe.clip.frames)
    video = video_augmentations(model, finetuning)
    check_video_augmentations(video)
    size, frames = crop_size(video), f"{clip.height} x {clip.width} pixels"
    if finetuning.spatial_crops > 1 and size is None:
        raise EvaluationError(
            f"finetuning.spatial_crops: the networks take whole frames of {frames}, without crops; use 1"
        )
    if size is not None and size > min(clip.height, clip.width):
        raise EvaluationError(
            f"finetuning.video: a crop of {size} pixels does not fit into the networks' frames of {frames}; lower the "
            "size (--finetuning.video.0.size) or use --setting paper"
        )
    return replace(model, recipe=replace(model.recipe, clip=clip))


def video_augmentations(model: PretrainedModel, finetuning: Finetuning) -> tuple[VideoAugmentation, ...]:
    """Return the video augmentations of ``finetuning``, or the pretraining augmentations if it has none."""
    return finetuning.video or model.recipe.composition.video


def video_input(clip: Clip, video: Sequence[VideoAugmentation]) -> dict[str, Any]:
    """Return the length, frame rate, size and augmentations of training clips as plain data for a result."""
    settings = {name: getattr(clip, name) for name in ("frames", "frame_rate", "height", "width")}
    return {**settings, "augmentation": to_plain(tuple(video))}


@dataclass(frozen=True)
class FinetuningPreprocessing:
    """Conversion of the clips of one modality into network inputs, for training and for testing."""

    views: Views
    modality: ModalityName
    steps: tuple[VideoAugmentation, ...] | tuple[AudioAugmentation, ...]
    """Augmentations of training clips."""
    crop: int | None
    """Side of the square crop of test clips, in pixels; None for whole frames."""
    spatial_crops: int
    """Number of square crops of each test clip."""

    @classmethod
    def of(cls, model: PretrainedModel, finetuning: Finetuning, modality: ModalityName) -> FinetuningPreprocessing:
        """Build the preprocessing specified by ``finetuning``; all other settings are those of pretraining."""
        if modality == "audio":
            return cls(model.views, modality, model.recipe.composition.audio, None, 1)
        video = video_augmentations(model, finetuning)
        return cls(model.views, modality, video, crop_size(video), finetuning.spatial_crops)

    def train(self, batch: Batch, generators: Generators) -> torch.Tensor:
        """Return the first window of each recording, augmented with that recording's random generator."""
        return self.views.augment(self._clips(batch), self.modality, self.steps, generators)

    def test(self, batch: Batch, modality: ModalityName) -> torch.Tensor:
        """Return the first window of each recording as network input for testing.

        The frames are centre-cropped if ``spatial_crops`` is 1 and a crop is set; otherwise, they are not cropped.
        """
        crop = self.crop if self.spatial_crops == 1 else None
        return self.views.preprocess(self._clips(batch), modality, crop)

    def crops(self, view: torch.Tensor) -> list[torch.Tensor]:
        """Return the network inputs for a test view: the view itself, or its ``spatial_crops`` square crops."""
        if self.spatial_crops == 1 or self.crop is None:
            return [view]
        return spaced_crops(view, self.crop, self.spatial_crops)

    def _clips(self, batch: Batch) -> torch.Tensor:
        clips = batch.video if self.modality == "video" else batch.audio
        assert clips is not None  # the clip reader decodes this modality
        return clips[:, 0]


def spaced_crops(video: torch.Tensor, size: int, count: int) -> list[torch.Tensor]:
    """Return ``count`` square crops of a video (..., height, width).

    The crops are evenly spaced along the longer side and centred along the other side.
    """
    height, width = video.shape[-2:]
    margins = height - size, width - size
    long = 1 if margins[1] >= margins[0] else 0
    crops = []
    for number in range(count):
        corner = [margin // 2 for margin in margins]
        corner[long] = round(margins[long] * number / (count - 1)) if count > 1 else corner[long]
        crops.append(video[..., corner[0] : corner[0] + size, corner[1] : corner[1] + size])
    return crops
