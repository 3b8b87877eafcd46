from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality
from avgdt.composition.video_augmentations import RandomCrop
from avgdt.data.manifest import Entry
from avgdt.evaluation.folds import Folds, cross_validation
from avgdt.evaluation.segments import Segment
from avgdt.media.recording import Recording
from avgdt.models.pretrained import PretrainedModel, untrained
from avgdt.recipes.clip import Clip, LogMel
from avgdt.recipes.model import AudioEncoder, Head, Model, VideoEncoder
from avgdt.recipes.recipe import Recipe
from avgdt.recipes.training import Run
from tests.helpers.media_files import evenly, tone, write_media

SPLITS = ("train", "train", "train", "val", "test", "test")
LEVELS = {"dark": (40, 300.0), "bright": (200, 2500.0)}


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """Return a recipe whose networks and clips are small enough for hundreds of clips per second."""
    return Recipe(
        title="tiny",
        composition=Composition(Modality(), video=(RandomCrop(24),)),
        clip=Clip(frames=4, frame_rate=8.0, height=24, width=32, audio_seconds=0.5, sample_rate=8000),
        log_mel=LogMel(mels=16, fft=256, high=4000.0),
        model=Model(VideoEncoder((1, 1, 1, 1), 4), AudioEncoder((1, 1, 1, 1), 4), Head(8, 8)),
        run=Run(batch=5, workers=0, device="cpu", precision="fp32"),
    )


@pytest.fixture(scope="session")
def model(recipe: Recipe) -> PretrainedModel:
    return untrained(recipe, seed=1)


@pytest.fixture(scope="session")
def random(recipe: Recipe) -> PretrainedModel:
    return untrained(recipe, seed=2)


@pytest.fixture(scope="session")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """Write 1.5 s recordings of two classes that differ in video and audio, with three splits and two label columns."""
    folder = tmp_path_factory.mktemp("recordings")
    made = []
    for label, (brightness, frequency) in LEVELS.items():
        for i, split in enumerate(SPLITS):
            generator = np.random.default_rng([brightness, i])
            # All frames and recordings differ, so that a wrong time or a wrong file is detected.
            noise = generator.integers(-12, 12, size=(12, 24, 32, 1))
            images = [np.repeat(np.clip(brightness + frame, 0, 255), 3, axis=2).astype(np.uint8) for frame in noise]
            waveform = tone(1.5, 8000, frequency * generator.uniform(0.8, 1.2)) + generator.integers(-900, 900, 12000)
            path = write_media(
                folder / f"{label}{i}.mkv",
                evenly(12, 8),
                waveform.astype(np.int16),
                size=(24, 32),
                sample_rate=8000,
                images=images,
            )
            extra = {"split": split, "light": label, "half": "ab"[i % 2], "half_start": "0.3", "half_end": "0.6"}
            with Recording(path) as file:
                made.append(Entry.of(file.info, extra))
    return made


@pytest.fixture
def gone(entries: list[Entry]) -> Entry:
    """Return the entry of a recording that was deleted after it was listed."""
    return replace(entries[0], path=Path("gone.mkv"))


@pytest.fixture
def folds() -> Folds:
    """Return four folds of 96 recordings of three classes."""
    return cross_validation([Segment(i, "1234"[i % 4], "abc"[i // 4 % 3]) for i in range(96)], ["1", "2", "3", "4"])


@pytest.fixture
def features(folds: Folds) -> np.ndarray:
    """Return features (96, 5, 768) that classify most recordings correctly."""
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(96, 1, 12)) + 0.5 * generator.normal(size=(96, 5, 12))
    return np.tile(2 * np.eye(3, 12)[folds.targets][:, None] + noise, 64).astype(np.float32)
