from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avgdt.data.manifest import Entry, write_manifest
from avgdt.evaluation.results import write_result
from avgdt.media.recording import Recording
from avgdt.models.pretrained import untrained
from avgdt.models.weights import save_weights
from avgdt.recipes.config import to_plain, write_yaml
from avgdt.recipes.recipe import Recipe
from avgdt.report.page import write_report
from tests.helpers.media_files import evenly, noise, write_media
from tests.helpers.recipes import tiny
from tests.report.reading import Page, read_page

HOSTILE = "<img src=x onerror=alert(1)> \"'&{{ 7*7 }}.mkv"
BROKEN_BYTES = os.fsdecode(b"\xff\xfe.mkv")


@pytest.fixture(scope="session")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """Eight recordings of 1.5 s: two to learn from, six to test on, of the classes a, b and <c>."""
    folder = tmp_path_factory.mktemp("recordings")
    names = ["0.mkv", "1.mkv", HOSTILE, BROKEN_BYTES, "4.mkv", "5.mkv", "6.mkv", "7.mkv"]
    made = []
    for i, name in enumerate(names):
        path = folder / f"{i}.part.mkv"
        write_media(path, evenly(12, 8), noise(1.5, 8000, seed=i), size=(24, 32), sample_rate=8000)
        path = path.rename(folder / name)
        with Recording(path) as file:
            extra = {"split": "train" if i < 2 else "test", "label": ("a", "b", "<c>")[i % 3]}
            made.append(Entry.of(file.info, extra))
    return made


def metrics(steps: int = 12) -> list[dict[str, Any]]:
    """Four epochs of three steps with a look at held-out recordings after each."""
    lines = []
    for step in range(1, steps + 1):
        line = {"kind": "train", "step": step, "epoch": step / 3, "loss": 5 - step / 10, "accuracy": step / 100}
        lines.append(line | {"lr": 0.1, "spread_video": 0.5, "clips_per_second": 9.0, "seconds": 10.0 * step})
        if step % 3 == 0:
            way = {"r1": 0.25, "r5": 1.0, "r10": 1.0, "median_rank": 2.0, "gallery": 4}
            watched = {"kind": "heldout", "step": step, "epoch": step / 3, "video_to_audio": way, "audio_to_video": way}
            diagnosis = {"alignment": 1.5, "uniformity_video": -2.0, "uniformity_audio": -3.0, "agreement": 0.75}
            if step > 3:  # the first keys have nothing to be compared with
                diagnosis |= {"key_drift": 0.0625, "batch_norm_share": 0.4}
            lines.append(watched | {"diagnosis": diagnosis, "seconds": 10.0 * step})
    return lines


RESULT: dict[str, Any] = {
    "protocol": "linear",
    "options": {"label": "label", "modality": "video"},
    "sizes": {"train": 2, "test": 40},
    "skipped": [],
    "classes": ["a", "b"],
    "pretrained": {"accuracy": 0.6875, "interval": [0.53, 0.81], "mean_class_accuracy": 0.6543},
    "random": {"accuracy": 0.5125, "interval": [0.36, 0.66], "mean_class_accuracy": 0.4987},
    "chance": {"accuracy": 0.5, "mean_class_accuracy": 0.5},
    "machine": {"device": "A processor", "precision": "fp32"},
    "command": "avgdt evaluate linear --data '<b>'",
}


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]) -> Callable[..., Path]:
    """Makes run folders; ``recipe`` and ``weights`` change what is in them."""

    def make(recipe: Recipe | None = None, weights: bool = True, among: list[Entry] | None = None) -> Path:
        recipe = recipe or tiny()
        folder = tmp_path_factory.mktemp("run")
        write_yaml(recipe, folder / "config.yaml")
        write_manifest(entries if among is None else among, folder / "manifest.csv")
        (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in metrics()))
        (folder / "skipped.csv").write_text("path,reason\n<i>gone</i>.mp4,has no sound\n")
        if weights:
            save_weights(folder / "weights.safetensors", untrained(recipe).phi, to_plain(recipe), "pretrain")
        return folder

    return make


@pytest.fixture(scope="session")
def run(make_run: Callable[..., Path]) -> Path:
    """A run with everything."""
    folder = make_run()
    write_result(RESULT, folder)
    return folder


@pytest.fixture(scope="session")
def page(run: Path) -> Page:
    """Its page."""
    return read_page(write_report(run))
