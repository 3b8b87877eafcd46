"""What perturbs a view: each augmentation as data, drawn anew for every view and epoch."""

from __future__ import annotations

from avgdt.recipes.audio_augmentations import Equaliser, Mix, Noise, SpecAugment, Volume
from avgdt.recipes.video_augmentations import (
    Blur,
    CentreCrop,
    ColourJitter,
    Flip,
    Grey,
    RandomCrop,
    RandomResizedCrop,
    ShortSideJitter,
)

Crop = RandomCrop | CentreCrop
"""A cut without rescaling, which may follow a ShortSideJitter."""
VideoStep = Crop | RandomResizedCrop | Flip | ColourJitter | Grey | Blur
"""What is applied to the picture by itself; a ShortSideJitter is applied with the crop after it."""
VideoAugmentation = ShortSideJitter | VideoStep
WaveformAugmentation = Volume | Equaliser | Noise | Mix
AudioAugmentation = SpecAugment | WaveformAugmentation
