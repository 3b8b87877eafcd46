"""Draws docs/augmentations/*.png: each augmentation on a recording of the synthetic data set, as it is and drawn twice.

python docs/make_augmentation_pictures.py
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from avgdt.composition.audio_augmentations import AudioAugmentation, Equaliser, Mix, Noise, SpecAugment, Volume
from avgdt.composition.video_augmentations import (
    Blur,
    CentreCrop,
    ColourJitter,
    Flip,
    Grey,
    RandomCrop,
    RandomResizedCrop,
    ShortSideJitter,
    VideoAugmentation,
)
from avgdt.data.batch import Batch, collate
from avgdt.data.clips import ClipReader
from avgdt.data.manifest import Entry
from avgdt.data.windows import Window
from avgdt.recipes.clip import Clip, LogMel
from avgdt.report.images import PALETTE, loudness, spectrogram
from avgdt.synthetic.dataset import render_dataset
from avgdt.transforms.audio_augmentation import augment_spectrogram, augment_waveform
from avgdt.transforms.log_mel import LogMelSpectrogram
from avgdt.transforms.rng import view_generators
from avgdt.transforms.video_augmentation import augment_clips

HERE = Path(__file__).parent / "augmentations"
CLIP = Clip(frames=4, frame_rate=4.0, height=96, width=128)
SHOWN, OTHER = 0, 4
"""The recording that is shown, and the one that is mixed in."""
GAP = 4
SEEDS = (5, 6)

VIDEO: dict[str, tuple[VideoAugmentation, ...]] = {
    "random_crop": (RandomCrop(72),),
    "centre_crop": (CentreCrop(72),),
    "short_side_jitter": (ShortSideJitter(76, 130), RandomCrop(72)),
    "random_resized_crop": (RandomResizedCrop(72, (0.14, 1.0)),),
    "flip": (Flip(0.5),),
    "colour_jitter": (ColourJitter(0.4, 0.4, 0.4, 0.1),),
    "grey": (Grey(0.5),),
    "blur": (Blur(0.5, 2.5, 1.0),),
}
AUDIO: dict[str, AudioAugmentation] = {
    "volume": Volume(0.1, 3.0),
    "equaliser": Equaliser(18.0),
    "noise": Noise(0.0, 30.0, 1.0),
    "mix": Mix(0.1, 0.5, 1.0),
    "spec_augment": SpecAugment.strong(),
}


def batch_of_the_data_set(folder: Path) -> Batch:
    """One clip of the shown recording and one of the other."""
    render_dataset(folder, recordings=max(SHOWN, OTHER) + 1, workers=0)
    reader = ClipReader(CLIP, ("video", "audio"), grey=False)
    paths = [folder / "recordings" / f"{index:05d}.mp4" for index in (SHOWN, OTHER)]
    return collate([reader.read(place, Entry(path), [Window(1.0)]) for place, path in enumerate(paths)])


def strip(clip: torch.Tensor) -> NDArray[np.uint8]:
    """(channels, time, height, width), values 0 to 255, as frames side by side."""
    pixels = clip.float().round().clamp(0, 255).to(torch.uint8).permute(1, 2, 3, 0).numpy()
    return side_by_side(list(pixels))


def side_by_side(pictures: Sequence[NDArray[np.uint8]], axis: int = 1) -> NDArray[np.uint8]:
    """Pictures (height, width, 3) along an axis with white gaps, filled up with white where one is smaller."""
    across = 1 - axis
    most = max(picture.shape[across] for picture in pictures)
    padded = []
    for picture in pictures:
        room = [(0, 0)] * 3
        room[across] = (0, most - picture.shape[across])
        room[axis] = (0, GAP)
        padded.append(np.pad(picture, room, constant_values=255))
    return np.concatenate(padded, axis=axis)


def save(name: str, rows: Sequence[NDArray[np.uint8]]) -> None:
    """Write rows below each other as a PNG of 256 colours."""
    image = Image.fromarray(side_by_side(rows, axis=0)[:-GAP, :-GAP])
    image.quantize(256).save(HERE / f"{name}.png", optimize=True)


def main() -> None:
    """Render, augment, write."""
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        batch = batch_of_the_data_set(Path(folder))
    assert batch.video is not None
    assert batch.audio is not None
    video, sound = batch.video[:, 0], batch.audio[:, 0]
    for name, steps in VIDEO.items():
        drawn = [augment_clips(video, steps, view_generators(seed, 0, range(2), 0))[0] for seed in SEEDS]
        save(name, [strip(video[0]), *map(strip, drawn)])
    bank = LogMelSpectrogram(LogMel(), CLIP.sample_rate)
    bounds = loudness(bank(sound[0]).numpy())
    for name, step in AUDIO.items():
        heard = [bank(sound)]
        for seed in SEEDS:
            draws = view_generators(seed, 0, range(2), 0)
            heard.append(
                augment_spectrogram(bank(sound), step, draws)
                if isinstance(step, SpecAugment)
                else bank(augment_waveform(sound, step, draws))
            )
        pictures = [PALETTE[spectrogram(picture[0].numpy(), bounds)].repeat(2, 0).repeat(2, 1) for picture in heard]
        save(name, [side_by_side(pictures)])


if __name__ == "__main__":
    main()
