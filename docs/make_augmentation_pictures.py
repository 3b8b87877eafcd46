"""Draw docs/augmentations/*.png: a clip of the synthetic data set, and two augmented copies for each augmentation.

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
RECORDING, MIXED_IN = 0, 4
"""Indices of the augmented recording and of the recording that Mix adds to it."""
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
    """Render the data set into ``folder`` and return a batch of one clip each of RECORDING and MIXED_IN."""
    render_dataset(folder, recordings=max(RECORDING, MIXED_IN) + 1, workers=0)
    reader = ClipReader(CLIP, ("video", "audio"), grey=False)
    paths = [folder / "recordings" / f"{index:05d}.mp4" for index in (RECORDING, MIXED_IN)]
    return collate([reader.read(index, Entry(path), [Window(1.0)]) for index, path in enumerate(paths)])


def strip(clip: torch.Tensor) -> NDArray[np.uint8]:
    """Return the frames of a clip (channels, time, height, width), with values 0 to 255, side by side as one image."""
    pixels = clip.float().round().clamp(0, 255).to(torch.uint8).permute(1, 2, 3, 0).numpy()
    return side_by_side(list(pixels))


def side_by_side(images: Sequence[NDArray[np.uint8]], axis: int = 1) -> NDArray[np.uint8]:
    """Join images (height, width, 3) along ``axis`` with white gaps, after padding smaller images with white."""
    across = 1 - axis
    most = max(image.shape[across] for image in images)
    padded = []
    for image in images:
        padding = [(0, 0)] * 3
        padding[across] = (0, most - image.shape[across])
        padding[axis] = (0, GAP)
        padded.append(np.pad(image, padding, constant_values=255))
    return np.concatenate(padded, axis=axis)


def save(name: str, rows: Sequence[NDArray[np.uint8]]) -> None:
    """Write the images ``rows``, one below the other, to the PNG file ``name`` with 256 colours."""
    image = Image.fromarray(side_by_side(rows, axis=0)[:-GAP, :-GAP])
    image.quantize(256).save(HERE / f"{name}.png", optimize=True)


def main() -> None:
    """Draw the images of all augmentations."""
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        batch = batch_of_the_data_set(Path(folder))
    assert batch.video is not None
    assert batch.audio is not None
    video, audio = batch.video[:, 0], batch.audio[:, 0]
    for name, steps in VIDEO.items():
        augmented = [augment_clips(video, steps, view_generators(seed, 0, range(2), 0))[0] for seed in SEEDS]
        save(name, [strip(video[0]), *map(strip, augmented)])
    log_mel = LogMelSpectrogram(LogMel(), CLIP.sample_rate)
    bounds = loudness(log_mel(audio[0]).numpy())
    for name, step in AUDIO.items():
        spectrograms = [log_mel(audio)]
        for seed in SEEDS:
            generators = view_generators(seed, 0, range(2), 0)
            spectrograms.append(
                augment_spectrogram(log_mel(audio), step, generators)
                if isinstance(step, SpecAugment)
                else log_mel(augment_waveform(audio, step, generators))
            )
        images = [PALETTE[spectrogram(values[0].numpy(), bounds)].repeat(2, 0).repeat(2, 1) for values in spectrograms]
        save(name, [side_by_side(images)])


if __name__ == "__main__":
    main()
