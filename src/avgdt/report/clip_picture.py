"""One clip as it is, and as the networks get it after the augmentations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import torch
from numpy.typing import NDArray

from avgdt.data.batch import collate
from avgdt.data.clips import ClipReader
from avgdt.data.manifest import Entry
from avgdt.data.windows import clip_span, draw_windows
from avgdt.media.errors import MediaError
from avgdt.recipes.recipe import Recipe
from avgdt.report.images import png
from avgdt.report.spectrogram import loudness, spectrogram
from avgdt.transforms.views import Views

MOST_FRAMES = 8
GAP = 3
"""Transparent pixels between two frames."""
TRIES = 5


@dataclass(frozen=True)
class Shown:
    """One picture of a clip."""

    title: str
    modality: str
    image: str
    """PNG: frames side by side, or a spectrogram."""
    frames: int
    """Frames in the strip; 0 for a spectrogram."""
    size: tuple[int, int]
    """Height and width in pixels."""


@dataclass(frozen=True)
class ClipPicture:
    """A clip before and after."""

    name: str
    """The file's name."""
    before: tuple[tuple[Shown, ...], ...]
    """Rows: what the picture is and what the sound is."""
    after: tuple[tuple[Shown, ...], ...]


def clip_picture(recipe: Recipe, views: Views, entries: Sequence[Entry]) -> ClipPicture | None:
    """A clip of the first of ``entries`` that can be read, its windows drawn as in the first epoch.

    Views of two epochs are shown where there is one per modality, so that the draws can be compared, else all views
    of one. None where no recording can be read.
    """
    composition = recipe.composition
    reader = ClipReader(recipe.clip, composition.modalities, grey=recipe.model.video.channels == 1)
    there = [(index, entry) for index, entry in enumerate(entries) if entry.path.is_file()]
    for index, entry in there[:TRIES]:
        span = clip_span(entry, composition.modalities)
        windows = draw_windows(composition, recipe.clip, span, recipe.run.seed, 0, index)
        try:
            item = reader.read(index, entry, windows)
        except MediaError:
            continue
        batch = collate([item])
        epochs = 2 if len(composition.views) == len(composition.modalities) else 1
        heard = (
            []
            if item.audio is None
            else [views.preprocessing.log_mel(torch.from_numpy(sound)).numpy() for sound in item.audio]
        )
        bounds = loudness(np.stack(heard)) if heard else (0.0, 1.0)
        before = []
        for place, (window, speed) in enumerate(composition.clips):
            words = "" if len(composition.windows) == 1 else f" {window}"
            words += "" if speed == 1 else f" at {speed:g} times the speed"
            if item.video is not None:
                before.append(_strip(f"picture{words}", item.video[place]))
            if heard:
                before.append(_spectrum(f"sound{words}", heard[place], bounds))
        after = []
        for view, name in enumerate(composition.views):
            for epoch in range(epochs):
                tensor = views(batch, epoch)[view][0].numpy()
                title = f"{name.name}, {('first', 'second')[epoch]} draw" if epochs > 1 else name.name
                if name.modality == "video":
                    after.append(_strip(title, _pixels(tensor, recipe)))
                else:
                    after.append(_spectrum(title, tensor[0], bounds))
        return ClipPicture(entry.path.name, _rows(before), _rows(after))
    return None


def _rows(parts: Sequence[Shown]) -> tuple[tuple[Shown, ...], ...]:
    """Pictures and sounds side by side, in their order."""
    columns = [[part for part in parts if part.modality == modality] for modality in ("video", "audio")]
    return tuple(tuple(filter(None, row)) for row in zip_longest(*columns))


def _strip(title: str, clip: NDArray[np.uint8]) -> Shown:
    """(channels, time, height, width) uint8 as frames side by side, with a gap between."""
    times = np.unique(np.linspace(0, clip.shape[1] - 1, min(MOST_FRAMES, clip.shape[1])).round().astype(int))
    frames = [np.repeat(frame, 3, axis=0) if len(frame) == 1 else frame for frame in clip[:, times].swapaxes(0, 1)]
    _, height, width = frames[0].shape
    strip = np.zeros((height, len(frames) * (width + GAP) - GAP, 4), dtype=np.uint8)
    for place, frame in enumerate(frames):
        left = place * (width + GAP)
        strip[:, left : left + width, :3] = frame.transpose(1, 2, 0)
        strip[:, left : left + width, 3] = 255
    return Shown(title, "video", png(strip), len(times), strip.shape[:2])


def _spectrum(title: str, values: NDArray[np.float32], bounds: tuple[float, float]) -> Shown:
    """(mels, time) as a spectrogram."""
    return Shown(title, "audio", png(spectrogram(values, bounds)), 0, values.shape)


def _pixels(view: NDArray[np.float32], recipe: Recipe) -> NDArray[np.uint8]:
    """A normalised view (channels, time, height, width) as pixels again; mid-grey stands for what is subtracted."""
    share = recipe.normalisation.subtract_mean_frame
    middle = 0.5 * share + recipe.normalisation.mean * (1 - share)
    return np.round(np.clip(view * recipe.normalisation.std + middle, 0, 1) * 255).astype(np.uint8)
