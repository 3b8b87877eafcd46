"""Views of a composition: augmented network input, computed from a batch of clips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

from avgdt.composition.audio_augmentations import AudioAugmentation, SpecAugment
from avgdt.composition.composition import Composition
from avgdt.composition.distinguishable import at_strength
from avgdt.composition.factors import ModalityName
from avgdt.composition.video_augmentations import VideoAugmentation
from avgdt.composition.view import View
from avgdt.data.batch import Batch
from avgdt.recipes.clip import Clip, LogMel, Normalisation
from avgdt.recipes.recipe import Recipe
from avgdt.transforms.audio_augmentation import augment_spectrogram, augment_waveform
from avgdt.transforms.errors import TransformError
from avgdt.transforms.preprocessing import Preprocessing, centre_crop
from avgdt.transforms.rng import Generators, view_generators
from avgdt.transforms.video_augmentation import augment_clips


class Views(nn.Module):
    """Module that computes the T views of a composition from a batch of clips.

    Augmentations are drawn independently for every view of every item. The constructor raises :class:`TransformError`
    if an augmentation does not fit the clips.
    """

    def __init__(
        self,
        composition: Composition,
        clip: Clip,
        log_mel: LogMel,
        channels: int,
        seed: int,
        normalisation: Normalisation = Normalisation(),  # noqa: B008 (a frozen value)
    ) -> None:
        super().__init__()
        self.composition = composition
        self.channels = channels
        self.seed = seed
        self.preprocessing = Preprocessing(clip, log_mel, normalisation)
        # A blank frame is transformed as in training and evaluation, so that wrong sizes raise an error before a run.
        windows = len(composition.clips)
        frame = torch.zeros(1, windows, channels, 1, clip.height, clip.width, dtype=torch.uint8)
        index = torch.zeros(1, dtype=torch.int64)
        blank = Batch(index, index, frame, torch.zeros(1, windows, clip.samples), None, None)
        for augment in (True, False):
            self(blank, augment=augment)

    @classmethod
    def of(cls, recipe: Recipe, seed: int | None = None) -> Views:
        """Return the module for the views of a recipe, on the CPU; ``seed`` overrides the seed of the recipe."""
        seed = recipe.run.seed if seed is None else seed
        return cls(
            recipe.composition, recipe.clip, recipe.log_mel, recipe.model.video.channels, seed, recipe.normalisation
        )

    @torch.no_grad()
    def forward(self, batch: Batch, epoch: int | None = None, augment: bool = True) -> list[torch.Tensor]:
        """Compute the T views in the order of ``composition.views``.

        Video views are (batch, channels, time, height, width) float32, normalised. Audio views are (batch, 1, mels,
        time) float32, standardised. Augmentations depend on ``epoch``, which defaults to the epoch of the batch.
        Without ``augment``, views are not augmented and the crop is central. Raises :class:`TransformError` if the
        batch lacks a modality.
        """
        epoch = batch.epoch if epoch is None else epoch
        items = batch.items.tolist()
        return [
            self._view(batch, view, view_generators(self.seed, epoch, items, i) if augment else None)
            for i, view in enumerate(self.composition.views)
        ]

    @torch.no_grad()
    def test_view(self, batch: Batch, modality: ModalityName, window: str = "now") -> torch.Tensor:
        """Compute the evaluation view of a modality and window: central crop, time forwards, no augmentation."""
        return self._view(batch, View(modality, window), None)

    def _view(self, batch: Batch, view: View, generators: Generators | None) -> torch.Tensor:
        clips = self._clips(batch, view)
        if view.reversed:
            clips = clips.flip(2 if view.modality == "video" else -1)
        if generators is None:
            return self.preprocess(clips, view.modality, self.composition.crop)
        if view.modality == "video":
            video = [at_strength(step, view.strength) for step in self.composition.video]
            return self.augment(clips, "video", video, generators)
        audio = [at_strength(step, view.strength) for step in self.composition.audio]
        return self.augment(clips, "audio", audio, generators)

    @torch.no_grad()
    def preprocess(self, clips: torch.Tensor, modality: ModalityName, crop: int | None = None) -> torch.Tensor:
        """Compute the network input for clips of one modality without augmentation.

        ``clips`` are uint8 frames (batch, channels, time, height, width), cropped to the central square of ``crop``
        pixels, or waveforms (batch, samples) on the int16 scale.
        """
        if modality == "video" and crop is not None:
            clips = centre_crop(clips, crop)
        return self.augment(clips, modality, (), ())

    @torch.no_grad()
    def augment(
        self,
        clips: torch.Tensor,
        modality: ModalityName,
        steps: Sequence[VideoAugmentation] | Sequence[AudioAugmentation],
        generators: Generators,
    ) -> torch.Tensor:
        """Compute the network input for clips of one modality, augmented by ``steps`` with one generator per clip."""
        with torch.autocast(clips.device.type, enabled=False):  # autocast lowers the precision of matrix multiplication
            if modality == "video":
                return self._video(clips, cast("Sequence[VideoAugmentation]", steps), generators)
            return self._audio(clips, cast("Sequence[AudioAugmentation]", steps), generators)

    def _clips(self, batch: Batch, view: View) -> torch.Tensor:
        clips = batch.video if view.modality == "video" else batch.audio
        if clips is None:
            raise TransformError(
                f"the batch has no {view.modality}, but composition.factors needs it; read clips with {view.modality}"
            )
        return clips[:, self.composition.clips.index(view.clip)]

    def _video(self, video: torch.Tensor, steps: Sequence[VideoAugmentation], generators: Generators) -> torch.Tensor:
        if video.shape[1] != self.channels:
            raise TransformError(
                f"model.video.channels is {self.channels}, but the clips have {video.shape[1]} channels"
            )
        return self.preprocessing.video(
            augment_clips(video, steps, generators)
        )  # augmentations keep uint8 where possible

    def _audio(
        self, waveform: torch.Tensor, steps: Sequence[AudioAugmentation], generators: Generators
    ) -> torch.Tensor:
        for step in steps:
            if not isinstance(step, SpecAugment):
                waveform = augment_waveform(waveform, step, generators)
        spectrogram = self.preprocessing.audio(waveform)
        for step in steps:
            if isinstance(step, SpecAugment):
                spectrogram = augment_spectrogram(spectrogram, step, generators)
        return spectrogram[:, None]
