"""Pretrained model: networks with their recipe and preprocessing, loaded from a run or a weights file."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from avgdt.composition.errors import CompositionError
from avgdt.composition.factors import ModalityName
from avgdt.data.batch import Batch, collate
from avgdt.data.clips import ClipReader
from avgdt.data.inspection import inspect
from avgdt.data.manifest import Entry
from avgdt.data.store import Store, open_store
from avgdt.data.windows import Window, common_span, every, unusable
from avgdt.media.resample import resampled
from avgdt.models.errors import ModelError, WeightsError
from avgdt.models.memory_format import set_memory_format
from avgdt.models.phi import Phi
from avgdt.models.precision import Precision, resolve_device, resolve_precision
from avgdt.models.weights import load_weights, restore
from avgdt.recipes.config import from_plain
from avgdt.recipes.errors import RecipeError
from avgdt.recipes.recipe import Recipe
from avgdt.transforms.views import Views

Output = Literal["features", "embeddings"]
"""Kind of vector: pooled features before the projection head, which downstream tasks use, or embeddings after it, which
have unit length and are compared across modalities."""

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a greyscale frame (ITU-R BT.601)."""


@dataclass(frozen=True)
class Embedded:
    """Vectors of one media file, with the times of their windows."""

    vectors: NDArray[np.float32]
    """Vectors of the windows, (windows, dim)."""
    times: NDArray[np.float64]
    """Start of each window in seconds, (windows,)."""
    seconds: float
    """Length of a window in seconds."""


@dataclass(frozen=True)
class PretrainedModel:
    """Networks in evaluation mode, with their recipe and the preprocessing of recordings into network input."""

    recipe: Recipe
    phi: Phi
    views: Views
    precision: Precision
    store: Store | None = None
    """Store of the run's decoded recordings; None if the run has no store."""

    @property
    def device(self) -> torch.device:
        """Device of the networks."""
        return self.precision.device

    def embed(
        self,
        path: Path | str,
        modality: ModalityName = "video",
        every: float | None = None,
        output: Output = "features",
        batch: int = 16,
    ) -> Embedded:
        """Embed a media file: one vector for the whole file or, with ``every``, one for each window.

        A window starts every ``every`` seconds. The vector of a whole file is the mean over consecutive windows.
        Windows are processed in batches of ``batch``.
        Raises :class:`ModelError` for a file that cannot be used and ``MediaError`` for a damaged file.
        """
        entry = inspect(Path(path))
        if reason := self.unusable(entry, modality):
            raise ModelError(f"{path}: {reason}")
        windows = self.windows(entry, modality, every)
        reader = ClipReader(self.recipe.clip, (modality,), self.recipe.model.video.channels == 1)
        rows = []
        for first in range(0, len(windows), batch):
            clips = collate([reader.read(0, entry, windows[first : first + batch])])
            rows.append(self._vectors(clips.windows_as_recordings(), modality, output))
        vectors, times = np.concatenate(rows), np.array([window.video for window in windows])
        if every is None:
            vectors, times = vectors.mean(axis=0, keepdims=True), times[:1]
        return Embedded(vectors, times, self.seconds(modality))

    def embed_video(self, frames: torch.Tensor, output: Output = "features") -> torch.Tensor:
        """Return the vectors (batch, dim) of video clips.

        ``frames`` is a uint8 tensor (batch, channels, time, height, width) or (channels, time, height, width), RGB or
        greyscale, sampled at the recipe's ``clip.frame_rate``. Frames of any size are scaled to the recipe's clip size.
        Raises :class:`ModelError` for other shapes or types.
        """
        if frames.dtype != torch.uint8 or frames.dim() not in (4, 5) or frames.shape[-4] not in (1, 3):
            raise ModelError(
                f"frames: expected uint8 (batch, 1 or 3 channels, time, height, width), got {frames.dtype} "
                f"{tuple(frames.shape)}"
            )
        frames, clip = frames if frames.dim() == 5 else frames[None], self.recipe.clip
        n, channels, time = frames.shape[:3]
        pixels = frames.to(self.device).float()
        input_channels = self.recipe.model.video.channels
        if input_channels == 1 and channels == 3:
            pixels = torch.einsum("ncthw,c->nthw", pixels, torch.tensor(LUMA, device=self.device))[:, None]
        pixels = pixels.expand(-1, input_channels, -1, -1, -1).transpose(1, 2).flatten(0, 1)
        if pixels.shape[-2:] != (clip.height, clip.width):
            pixels = F.interpolate(pixels, (clip.height, clip.width), mode="bilinear", antialias=True)
        pixels = pixels.round().clamp(0, 255).to(torch.uint8)
        pixels = pixels.view(n, time, *pixels.shape[1:]).transpose(1, 2)
        indices = torch.zeros(n, dtype=torch.int64)
        batch = Batch(indices, indices, pixels[:, None], None, None, None)
        return torch.from_numpy(self._vectors(batch, "video", output))

    def embed_audio(self, waveform: torch.Tensor, sample_rate: int, output: Output = "features") -> torch.Tensor:
        """Embed waveforms and return their vectors (batch, dim).

        ``waveform`` is mono, (batch, samples) or without the batch axis, in floating point between -1 and 1 or in
        int16. It is resampled from ``sample_rate`` (Hz) to the recipe's ``clip.sample_rate``. Raises
        :class:`ModelError` for other shapes or types.
        """
        scale = 1.0 if waveform.dtype == torch.int16 else 2.0**15
        if waveform.dim() not in (1, 2) or not (waveform.is_floating_point() or waveform.dtype == torch.int16):
            raise ModelError(
                f"waveform: expected float or int16 (batch, samples), got {waveform.dtype} {tuple(waveform.shape)}"
            )
        rows = (waveform.float() * scale).cpu().numpy().reshape(-1, waveform.shape[-1])
        audio = torch.from_numpy(np.stack([resampled(row, sample_rate, self.recipe.clip.sample_rate) for row in rows]))
        indices = torch.zeros(len(rows), dtype=torch.int64)
        batch = Batch(indices, indices, None, audio[:, None], None, None)
        return torch.from_numpy(self._vectors(batch, "audio", output))

    def seconds(self, modality: ModalityName) -> float:
        """Return the length in seconds of a clip of ``modality``."""
        clip = self.recipe.clip
        return clip.video_seconds if modality == "video" else clip.audio_seconds

    def unusable(self, entry: Entry, modality: ModalityName) -> str:
        """Return the reason why a recording cannot be embedded, or "" if it can. Digital silence can be embedded.

        Raises :class:`ModelError` for a modality that has no encoder.
        """
        if modality not in self.phi.modalities:
            raise ModelError(f"modality: no encoder for {modality}, only for {' and '.join(self.phi.modalities)}")
        return unusable(replace(entry, silent=False), (modality,))

    def windows(self, entry: Entry, modality: ModalityName, seconds: float | None = None) -> tuple[Window, ...]:
        """Return at least one window; windows start every ``seconds`` seconds and are consecutive by default."""
        length = self.seconds(modality)
        return every(common_span(entry, (modality,)), length, seconds or length)

    @torch.inference_mode()
    def _vectors(self, batch: Batch, modality: ModalityName, output: Output) -> NDArray[np.float32]:
        view = self.views.test_view(batch.to(self.device), modality)
        with self.precision.autocast():
            vectors = self.phi.embed(modality, view) if output == "embeddings" else self.phi.features(modality, view)
        return vectors.float().cpu().numpy()


def load(path: Path | str, device: str = "auto") -> PretrainedModel:
    """Load the model of a run folder or a weights file, without executing code from the file.

    Raises :class:`WeightsError` if the weights are missing or cannot be read.
    """
    path = Path(path)
    file = path / "weights.safetensors" if path.is_dir() else path
    if not file.exists():
        remedy = "name a run folder or a weights file"
        if (path / "config.yaml").exists():
            remedy = f"the run is not finished; resume with: avgdt pretrain --resume --out {shlex.quote(str(path))}"
        raise WeightsError(f"{path}: contains no weights; {remedy}")
    tensors, recipe = read_weights(file)
    model = untrained(recipe, device=device)
    restore(model.phi, tensors, file)
    store = open_store(model.recipe.data, file.parent)
    has_store = store is not None and (store.folder.is_dir() or (file.parent / "config.yaml").is_file())
    return replace(model, store=store if has_store else None)


def read_weights(file: Path) -> tuple[dict[str, torch.Tensor], Recipe]:
    """Return the tensors and the recipe of a weights file. Raises :class:`WeightsError` if it cannot be read."""
    tensors, metadata = load_weights(file)
    try:
        recipe: Recipe = from_plain(Recipe, metadata.recipe)
    except (RecipeError, CompositionError) as error:
        raise WeightsError(f"{file}: its recipe cannot be read ({error}); use other weights") from None
    return tensors, recipe


def untrained(recipe: Recipe, seed: int | None = None, device: str = "auto") -> PretrainedModel:
    """Return a model with random weights, for comparison; ``seed`` defaults to the seed of the recipe."""
    seed = recipe.run.seed if seed is None else seed
    precision = resolve_precision(recipe.run.precision, resolve_device(device))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        phi = Phi(recipe.model, recipe.composition.modalities)
    phi.to(precision.device).eval().requires_grad_(False)
    set_memory_format(phi, recipe.run.channels_last, precision)
    return PretrainedModel(recipe, phi, Views.of(recipe, seed).to(precision.device), precision)
