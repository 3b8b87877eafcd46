"""Small run folders with recordings, metrics and weights, as pretraining writes them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avgdt.data.manifest import Entry, write_manifest
from avgdt.media.recording import Recording
from avgdt.models.pretrained import untrained
from avgdt.models.weights import save_weights
from avgdt.recipes.config import to_plain, write_yaml
from avgdt.recipes.recipe import Recipe
from tests.helpers.media_files import evenly, noise, write_media

HOSTILE = "<img src=x onerror=alert(1)> \"'&{{ 7*7 }}.mkv"
BROKEN_BYTES = os.fsdecode(b"\xff\xfe.mkv")


def write_recordings(folder: Path) -> list[Entry]:
    """Write eight recordings of 1.5 s of the classes a, b and <c>: two for training, six for testing."""
    names = ["0.mkv", "1.mkv", HOSTILE, BROKEN_BYTES, "4.mkv", "5.mkv", "6.mkv", "7.mkv"]
    entries = []
    for i, name in enumerate(names):
        path = folder / f"{i}.part.mkv"
        write_media(path, evenly(12, 8), noise(1.5, 8000, seed=i), size=(24, 32), sample_rate=8000)
        path = path.rename(folder / name)
        with Recording(path) as file:
            extra = {"split": "train" if i < 2 else "test", "label": ("a", "b", "<c>")[i % 3]}
            entries.append(Entry.of(file.info, extra))
    return entries


def metrics(steps: int = 12) -> list[dict[str, Any]]:
    """Return metrics of three steps per epoch, with held-out metrics after each epoch."""
    lines = []
    for step in range(1, steps + 1):
        line = {"kind": "train", "step": step, "epoch": step / 3, "loss": 5 - step / 10, "accuracy": step / 100}
        lines.append(
            line | {"lr": 0.1, "gradient_norm": 2.0, "std_video": 0.5, "clips_per_second": 9.0, "seconds": 10.0 * step}
        )
        if step % 3 == 0:
            way = {"r1": 0.25, "r5": 1.0, "r10": 1.0, "median_rank": 2.0, "gallery": 4}
            heldout = {"kind": "heldout", "step": step, "epoch": step / 3, "video_to_audio": way, "audio_to_video": way}
            diagnosis = {"alignment": 1.5, "uniformity_video": -2.0, "uniformity_audio": -3.0, "agreement": 0.75}
            diagnosis |= {"effective_rank_video": 3.0, "effective_rank_audio": 2.5}
            if step > 3:  # no earlier keys exist for the comparison
                diagnosis |= {"key_drift": 0.0625, "batch_norm_share": 0.4}
            lines.append(heldout | {"diagnosis": diagnosis, "seconds": 10.0 * step})
    return lines


def write_run(folder: Path, recipe: Recipe, entries: Sequence[Entry], weights: bool = True) -> Path:
    """Write the files of a run into ``folder``, with the weights of :func:`untrained`."""
    write_yaml(recipe, folder / "config.yaml")
    write_manifest(entries, folder / "manifest.csv")
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in metrics()))
    (folder / "skipped.csv").write_text("path,reason\n<i>gone</i>.mp4,has no audio\n")
    if weights:
        save_weights(folder / "weights.safetensors", untrained(recipe).phi, to_plain(recipe), "pretrain")
    return folder
