from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from avgdt.data.worlds.actions import ACTIONS
from avgdt.data.worlds.errors import WorldError
from avgdt.data.worlds.parameters import Parameters
from avgdt.data.worlds.scene import Scene
from avgdt.data.worlds.world import label_of, render_world, split_of
from avgdt.media.recording import Recording

SMALL = Parameters(seconds=1.0, height=48, width=64)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_world(tmp_path_factory.mktemp("worlds") / "world", recordings=4, workers=0, parameters=SMALL)


def test_files_are_the_same_however_many_processes_render_them(world: Path, tmp_path: Path) -> None:
    again = render_world(tmp_path / "again", recordings=4, workers=2, parameters=SMALL)
    files = [sorted(folder.parent.rglob("*.mp4")) for folder in (world, again)]
    assert [f.read_bytes() for f in files[0]] == [f.read_bytes() for f in files[1]]
    assert len(files[0]) == 4


def test_a_rendered_world_is_reused_and_gone_on_with(world: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in world.parent.rglob("*.mp4")}
    render_world(world.parent, recordings=5, workers=0, parameters=SMALL)
    after = {p: p.stat().st_mtime_ns for p in world.parent.rglob("*.mp4")}
    assert len(after) == 5
    assert before.items() <= after.items()
    with pytest.raises(WorldError, match="other parameters"):
        render_world(world.parent, recordings=4, seed=9)


def test_streams_are_those_promised(world: Path) -> None:
    with Recording(next(world.parent.rglob("*.mp4"))) as file:
        info = file.info
    assert (info.height, info.width, info.sample_rate, info.channels) == (48, 64, 24000, 1)
    assert info.frame_rate == pytest.approx(25)
    assert info.video_end == pytest.approx(1.0, abs=0.05)


def test_classes_and_splits_are_balanced(world: Path) -> None:
    rows = list(csv.DictReader(world.open()))
    assert [row["label"] for row in rows[:4]] == [label_of(i) for i in range(4)]
    assert len(ACTIONS) >= 10
    recordings = range(30 * len(ACTIONS))
    assert set(Counter(label_of(i) for i in recordings).values()) == {30}
    per_class = Counter((label_of(i), split_of(i)) for i in recordings)
    assert {
        split: {per_class[label_of(c), split] for c in range(len(ACTIONS))} for split in ("train", "val", "test")
    } == {
        "train": {20},
        "val": {5},
        "test": {5},
    }


def test_recordings_of_one_class_differ_and_seeds_make_other_worlds() -> None:
    first, other = Scene(SMALL, 0), Scene(SMALL, len(ACTIONS))
    assert first.label == other.label
    assert not np.array_equal(first.frame(0.5), other.frame(0.5))
    elsewhere = Scene(Parameters(seed=1, seconds=1.0, height=48, width=64), 0)
    assert not np.array_equal(first.frame(0.5), elsewhere.frame(0.5))


@pytest.mark.parametrize("index", range(len(ACTIONS)))
def test_something_moves_and_sounds_in_every_class(index: int) -> None:
    parameters = Parameters(height=48, width=64)
    scene = Scene(parameters, index)
    frames = np.stack([scene.frame(k / 5).astype(np.int16) for k in range(30)])
    assert np.abs(np.diff(frames, axis=0)).max() > 40
    sound = scene.sound()
    assert len(sound) == 144000
    assert np.abs(sound).max() <= 1
    assert np.sqrt(np.mean(sound**2)) > 0.003
