"""A composition applied to tensors: from a batch of clips to its T views."""

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
from avgdt.transforms.augment_audio import augment_spectrogram, augment_waveform
from avgdt.transforms.augment_video import augment_clips, centre_crop
from avgdt.transforms.draws import Generators, generators
from avgdt.transforms.errors import TransformError
from avgdt.transforms.log_mel import LogMelSpectrogram


class Views(nn.Module):
    """Makes the views of a composition; every view of every item draws its own augmentation.

    Raise :class:`TransformError` at once where an augmentation does not fit the clips.
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
        self.normalisation = normalisation
        self.composition = composition
        self.channels = channels
        self.seed = seed
        self.log_mel = LogMelSpectrogram(log_mel, clip.sample_rate)
        # A trial on one blank frame: sizes that do not fit, be it in evaluation, are told before a run begins.
        windows = len(composition.clips)
        frame = torch.zeros(1, windows, channels, 1, clip.height, clip.width, dtype=torch.uint8)
        nobody = torch.zeros(1, dtype=torch.int64)
        blank = Batch(nobody, nobody, frame, torch.zeros(1, windows, clip.samples), None, None)
        for augment in (True, False):
            self(blank, augment=augment)

    @classmethod
    def of(cls, recipe: Recipe, seed: int | None = None) -> Views:
        """The views of a recipe, drawn from ``seed`` (else the recipe's), on the CPU."""
        seed = recipe.run.seed if seed is None else seed
        return cls(
            recipe.composition, recipe.clip, recipe.log_mel, recipe.model.video.channels, seed, recipe.normalisation
        )

    @torch.no_grad()
    def forward(self, batch: Batch, epoch: int | None = None, augment: bool = True) -> list[torch.Tensor]:
        """The T views in the order of ``composition.views``.

        Picture: (batch, channels, time, height, width) float32, normalised. Sound: (batch, 1, mels, time) float32,
        standardised. The draws are those of ``epoch``, or else of the batch's own; without ``augment`` nothing is
        drawn and the crop is the middle one. Raise :class:`TransformError` where the batch lacks what a view takes.
        """
        epoch = batch.epoch if epoch is None else epoch
        items = batch.items.tolist()
        return [
            self._view(batch, view, generators(self.seed, epoch, items, i) if augment else None)
            for i, view in enumerate(self.composition.views)
        ]

    @torch.no_grad()
    def test_view(self, batch: Batch, modality: ModalityName, window: str = "now") -> torch.Tensor:
        """One modality of one window as evaluation sees it: nothing drawn, the middle crop, time forwards."""
        return self._view(batch, View(modality, window), None)

    def _view(self, batch: Batch, view: View, draws: Generators | None) -> torch.Tensor:
        clips = self._clips(batch, view)
        if view.reversed:
            clips = clips.flip(2 if view.modality == "video" else -1)
        if draws is None:
            return self.preprocess(clips, view.modality, self.composition.crop)
        if view.modality == "video":
            video = [at_strength(step, view.strength) for step in self.composition.video]
            return self.augment(clips, "video", video, draws)
        audio = [at_strength(step, view.strength) for step in self.composition.audio]
        return self.augment(clips, "audio", audio, draws)

    @torch.no_grad()
    def preprocess(self, clips: torch.Tensor, modality: ModalityName, crop: int | None = None) -> torch.Tensor:
        """The network's input for clips of one modality, without augmentation.

        Frames (batch, channels, time, height, width), uint8, of which the middle square of ``crop`` pixels is cut, or
        waveforms (batch, samples) on the int16 scale. Returns what :meth:`forward` does.
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
        """The network's input for clips of one modality, augmented by ``steps`` with one generator per clip."""
        with torch.autocast(clips.device.type, enabled=False):  # which would shorten what multiplies matrices
            if modality == "video":
                return self._video(clips, cast("Sequence[VideoAugmentation]", steps), generators)
            return self._audio(clips, cast("Sequence[AudioAugmentation]", steps), generators)

    def _clips(self, batch: Batch, view: View) -> torch.Tensor:
        clips = batch.video if view.modality == "video" else batch.audio
        if clips is None:
            raise TransformError(f"the batch holds no {view.modality}, which composition.factors asks for")
        return clips[:, self.composition.clips.index(view.clip)]

    def _video(self, video: torch.Tensor, steps: Sequence[VideoAugmentation], generators: Generators) -> torch.Tensor:
        if video.shape[1] != self.channels:
            raise TransformError(f"model.video.channels is {self.channels}, but the clips have {video.shape[1]}")
        video = augment_clips(video, steps, generators)  # on bytes while they will do, cheap to move
        pixels = video.float()
        share = self.normalisation.subtract_mean_frame
        still = share * pixels.mean(2, keepdim=True) if share else 0.0
        return pixels.sub_(still + 255 * (1 - share) * self.normalisation.mean).mul_(1 / (255 * self.normalisation.std))

    def _audio(
        self, waveform: torch.Tensor, steps: Sequence[AudioAugmentation], generators: Generators
    ) -> torch.Tensor:
        for step in steps:
            if not isinstance(step, SpecAugment):
                waveform = augment_waveform(waveform, step, generators)
        spectrogram = self.log_mel(waveform)
        for step in steps:
            if isinstance(step, SpecAugment):
                spectrogram = augment_spectrogram(spectrogram, step, generators)
        return spectrogram[:, None]
