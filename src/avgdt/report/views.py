"""Images of one recording: its decoded clips, and its views after preprocessing and augmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgdt.data.clips import ClipReader
from avgdt.data.manifest import Entry
from avgdt.data.windows import clip_span, draw_windows
from avgdt.media.errors import MediaError
from avgdt.recipes.recipe import Recipe
from avgdt.report.images import loudness, png, spectrogram

MAX_FRAMES = 8
GAP = 3
"""Width of the transparent gap between two frames, in pixels."""
MAX_TRIES = 5
"""Maximum number of recordings to try until one can be read."""


@dataclass(frozen=True)
class Strip:
    """The image of one clip of one modality: frames side by side, or a spectrogram."""

    title: str
    modality: str
    image: str
    """Data URI of a PNG."""
    frames: int
    """Number of frames in the image; 0 for a spectrogram."""
    size: tuple[int, int]
    """Height and width of the image, in pixels."""


@dataclass(frozen=True)
class RecordingViews:
    """Images of one recording, before and after augmentation."""

    path: Path
    decoded: tuple[tuple[Strip, ...], ...]
    """Decoded clips, in rows of one strip per modality."""
    views: tuple[tuple[Strip, ...], ...]
    """Augmented views, in rows of one strip per modality."""


def recording_views(recipe: Recipe, entries: Sequence[Entry]) -> RecordingViews | None:
    """Return images of the first of ``entries`` that can be read, with the windows of the first epoch.

    If there is one view per modality, the images show the views of two epochs, so that the augmentations can be
    compared; otherwise, those of one epoch. Returns None if none of the first :data:`MAX_TRIES` existing files can be
    read.
    """
    # Imported here, since these modules load torch.
    from avgdt.data.batch import collate
    from avgdt.transforms.views import Views

    views, composition = Views.of(recipe), recipe.composition
    reader = ClipReader(recipe.clip, composition.modalities, grey=recipe.model.video.channels == 1)
    existing = [(index, entry) for index, entry in enumerate(entries) if entry.path.is_file()]
    for index, entry in existing[:MAX_TRIES]:
        span = clip_span(entry, composition.modalities)
        windows = draw_windows(composition, recipe.clip, span, recipe.run.seed, 0, index)
        try:
            item = reader.read(index, entry, windows)
        except MediaError:
            continue
        batch = collate([item])
        epochs = 2 if len(composition.views) == len(composition.modalities) else 1
        spectrograms = (
            [] if item.audio is None else [views.preprocessing.log_mel.of_array(waveform) for waveform in item.audio]
        )
        bounds = loudness(np.stack(spectrograms)) if spectrograms else (0.0, 1.0)
        decoded, augmented = [], []
        for clip, (window, speed) in enumerate(composition.clips):
            which = "" if len(composition.windows) == 1 else f" {window}"
            which += "" if speed == 1 else f" at speed {speed:g}"
            if item.video is not None:
                decoded.append(_frames(f"video{which}", item.video[clip]))
            if spectrograms:
                decoded.append(_spectrogram(f"audio{which}", spectrograms[clip], bounds))
        by_epoch = [views(batch, epoch) for epoch in range(epochs)]
        for view, name in enumerate(composition.views):
            for epoch, tensors in enumerate(by_epoch):
                title = f"{name.name}, epoch {epoch + 1}" if epochs > 1 else name.name
                values = tensors[view][0].numpy()
                if name.modality == "video":
                    augmented.append(_frames(title, _pixels(values, recipe)))
                else:
                    augmented.append(_spectrogram(title, values[0], bounds))
        return RecordingViews(entry.path, _rows(decoded), _rows(augmented))
    return None


def _rows(strips: Sequence[Strip]) -> tuple[tuple[Strip, ...], ...]:
    """Arrange ``strips``, in their order, in rows with one strip per modality."""
    columns = [[strip for strip in strips if strip.modality == modality] for modality in ("video", "audio")]
    return tuple(tuple(filter(None, row)) for row in zip_longest(*columns))


def _frames(title: str, clip: NDArray[np.uint8]) -> Strip:
    """Return a clip (channels, time, height, width) of uint8 as a strip of frames with gaps between them."""
    times = np.unique(np.linspace(0, clip.shape[1] - 1, min(MAX_FRAMES, clip.shape[1])).round().astype(int))
    frames = [np.repeat(frame, 3, axis=0) if len(frame) == 1 else frame for frame in clip[:, times].swapaxes(0, 1)]
    _, height, width = frames[0].shape
    strip = np.zeros((height, len(frames) * (width + GAP) - GAP, 4), dtype=np.uint8)
    for number, frame in enumerate(frames):
        left = number * (width + GAP)
        strip[:, left : left + width, :3] = frame.transpose(1, 2, 0)
        strip[:, left : left + width, 3] = 255
    return Strip(title, "video", png(strip), len(times), strip.shape[:2])


def _spectrogram(title: str, values: NDArray[np.float32], bounds: tuple[float, float]) -> Strip:
    """Return log-mel values (mels, time) as a strip with a spectrogram."""
    return Strip(title, "audio", png(spectrogram(values, bounds)), 0, values.shape)


def _pixels(view: NDArray[np.float32], recipe: Recipe) -> NDArray[np.uint8]:
    """Convert a normalised view (channels, time, height, width) to pixels.

    If the mean frame was subtracted, zero becomes mid-grey.
    """
    fraction = recipe.normalisation.subtract_mean_frame
    middle = 0.5 * fraction + recipe.normalisation.mean * (1 - fraction)
    return np.round(np.clip(view * recipe.normalisation.std + middle, 0, 1) * 255).astype(np.uint8)
