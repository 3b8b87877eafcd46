"""Which augmentations change nothing, by their numbers."""

from __future__ import annotations

from avgdt.recipes.audio_augmentations import Equaliser, Mix, Noise, SpecAugment, Volume
from avgdt.recipes.augmentations import AudioAugmentation, VideoAugmentation
from avgdt.recipes.video_augmentations import Blur, ColourJitter, Flip, Grey


def idle(step: VideoAugmentation | AudioAugmentation, colours: bool = True) -> bool:
    """Whether ``step`` leaves every view as it is; ``colours``: whether pictures have any."""
    match step:
        case Grey(probability):
            return probability == 0 or not colours
        case Flip() | Blur() | Noise():
            return step.probability == 0
        case ColourJitter(brightness, contrast, saturation, hue):
            return not any((brightness, contrast, *((saturation, hue) if colours else ())))
        case Volume(low, high):
            return low == high == 1
        case Equaliser(decibels):
            return decibels == 0
        case Mix(_, high, probability):
            return high == 0 or probability == 0
        case SpecAugment(mels, mels_wide, steps, steps_wide):
            return not ((mels and mels_wide) or (steps and steps_wide))
        case _:
            return False
