"""Augmentations at a share of their strength."""

from __future__ import annotations

from dataclasses import replace

from avgdt.recipes.audio_augmentations import Equaliser, Mix, Noise, SpecAugment, Volume
from avgdt.recipes.augmentations import AudioAugmentation, VideoAugmentation
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


def weakened_video(step: VideoAugmentation, strength: float) -> VideoAugmentation:
    """``step`` at ``strength`` 0 to 1 of itself: at 0 it changes nothing but the size, which it always keeps.

    Amounts shrink, or where there are none the probability does; a crop is drawn anywhere at all strengths above 0.
    """
    if strength == 1:  # to the last bit
        return step
    match step:
        case Flip() | Grey() | Blur():
            return replace(step, probability=strength * step.probability)
        case ColourJitter(brightness, contrast, saturation, hue):
            return ColourJitter(*(strength * amount for amount in (brightness, contrast, saturation, hue)))
        case ShortSideJitter(low, high):
            half = (low + high) / 2
            return ShortSideJitter(*(round(half + strength * (side - half)) for side in (low, high)))
        case RandomResizedCrop(scale=(least, most), ratio=(narrow, wide)):
            area = 1 - strength * (1 - least), 1 - strength * (1 - most)
            return replace(step, scale=area, ratio=(narrow**strength, wide**strength))
        case RandomCrop(size) if strength == 0:
            return CentreCrop(size)
        case RandomCrop() | CentreCrop():
            return step


def weakened_audio(step: AudioAugmentation, strength: float) -> AudioAugmentation:
    """``step`` at ``strength`` 0 to 1 of itself; at 0 it changes nothing. Bands keep their number and grow narrower."""
    if strength == 1:  # to the last bit
        return step
    match step:
        case Volume(low, high):
            return Volume(1 + strength * (low - 1), 1 + strength * (high - 1))
        case Equaliser():
            return replace(step, decibels=strength * step.decibels)
        case Mix(low, high):
            return replace(step, low=strength * low, high=strength * high)
        case Noise():
            return replace(step, probability=strength * step.probability)
        case SpecAugment():
            mels, steps = (round(strength * width) for width in (step.frequency_width, step.time_width))
            return replace(step, frequency_width=mels, time_width=steps)
