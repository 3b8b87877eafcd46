from __future__ import annotations

import csv
import hashlib
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from avgdt.synthetic import rendering
from avgdt.synthetic.actions import ACTIONS
from avgdt.synthetic.dataset import label_of, render_dataset, split_of
from avgdt.synthetic.errors import SyntheticDataError
from avgdt.synthetic.parameters import Parameters
from avgdt.synthetic.rendering import temporary_path
from tests.synthetic.conftest import TINY


def hashes(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted((folder / "recordings").iterdir())}


def rendered_indices(monkeypatch: pytest.MonkeyPatch, stops_at: int | None = None) -> list[int]:
    """Return a list that collects the index of each rendered recording; interrupt rendering at ``stops_at``."""
    indices, write = list[int](), rendering.write_recording

    def recorded(parameters: Parameters, index: int, path: Path) -> None:
        if index == stops_at:
            raise KeyboardInterrupt
        indices.append(index)
        write(parameters, index, path)

    monkeypatch.setattr(rendering, "write_recording", recorded)
    return indices


def test_parallel_and_serial_rendering_give_identical_files(tiny_dataset: Path, tmp_path: Path) -> None:
    render_dataset(tmp_path / "parallel", len(ACTIONS), workers=2, parameters=TINY)
    assert hashes(tmp_path / "parallel") == hashes(tiny_dataset)
    assert (tmp_path / "parallel" / "manifest.csv").read_bytes() == (tiny_dataset / "manifest.csv").read_bytes()


def test_waveforms_do_not_depend_on_the_number_of_threads() -> None:
    program = """
import hashlib
from avgdt.synthetic.parameters import Parameters
from avgdt.synthetic.scene import Scene
print([hashlib.sha256(Scene(Parameters(seconds=2.0), index).audio()).hexdigest() for index in range(12)])
"""
    threads = [{"OPENBLAS_NUM_THREADS": count, "OMP_NUM_THREADS": count} for count in ("1", "2")]
    one, two = (
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, **some}, capture_output=True, text=True, check=True
        ).stdout
        for some in threads
    )
    assert one == two


def test_all_recordings_differ_and_depend_on_the_seed(tiny_dataset: Path, tmp_path: Path) -> None:
    render_dataset(tmp_path / "other", 2, workers=0, parameters=replace(TINY, seed=4))
    every = [*hashes(tiny_dataset).values(), *hashes(tmp_path / "other").values()]
    assert len(set(every)) == len(ACTIONS) + 2


def test_a_recording_does_not_depend_on_the_size_of_the_data_set(tiny_dataset: Path, tmp_path: Path) -> None:
    render_dataset(tmp_path / "fewer", 3, workers=0, parameters=TINY)
    assert hashes(tmp_path / "fewer").items() <= hashes(tiny_dataset).items()


def test_a_data_set_is_reused_and_an_interrupted_one_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "dataset"
    render_dataset(folder, 3, workers=0, parameters=TINY)
    expected = hashes(folder)
    (folder / "recordings" / "00001.mp4").unlink()
    (folder / "manifest.csv").unlink()
    indices, reports = rendered_indices(monkeypatch), []
    manifest = render_dataset(
        folder, 3, workers=0, parameters=TINY, progress=lambda done, total: reports.append((done, total))
    )
    assert indices == [1]
    assert reports == [(2, 3), (3, 3)]
    assert hashes(folder) == expected
    assert manifest.exists()
    render_dataset(folder, 3, workers=0, parameters=TINY)
    assert indices == [1]


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "zeros", "another"])
def test_a_damaged_recording_is_rendered_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    folder = tmp_path / "dataset"
    render_dataset(folder, 3, workers=0, parameters=TINY)
    expected, path = hashes(folder), folder / "recordings" / "00001.mp4"
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "another":
        path.write_bytes((folder / "recordings" / "00002.mp4").read_bytes())
    else:
        half = content[: len(content) // 2]
        path.write_bytes({"empty": b"", "truncated": half, "zeros": half.ljust(len(content), b"\0")}[damage])
    indices = rendered_indices(monkeypatch)
    render_dataset(folder, 3, workers=0, parameters=TINY)
    assert indices == [1]
    assert hashes(folder) == expected


def test_recordings_of_an_earlier_version_are_replaced_completely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, files = tmp_path / "dataset", tmp_path / "dataset" / "recordings"
    render_dataset(folder, 3, workers=0, parameters=replace(TINY, version=TINY.version - 1))
    (folder / "recordings.sha256").unlink()  # earlier versions did not write this file
    with monkeypatch.context() as patch:
        indices = rendered_indices(patch, stops_at=1)
        with pytest.raises(KeyboardInterrupt):
            render_dataset(folder, 2, workers=0, parameters=TINY)
    assert indices == [0]
    assert [path.name for path in files.iterdir()] == ["00000.mp4"]
    assert not (folder / "manifest.csv").exists()
    indices = rendered_indices(monkeypatch)
    render_dataset(folder, 2, workers=0, parameters=TINY)
    assert indices == [1]


def test_a_later_version_and_unreadable_parameters_are_refused(tmp_path: Path) -> None:
    render_dataset(tmp_path, 1, workers=0, parameters=replace(TINY, version=TINY.version + 1))
    before = hashes(tmp_path)
    with pytest.raises(SyntheticDataError, match=r"world\.json: holds a synthetic data set with other parameters"):
        render_dataset(tmp_path, 1, workers=0, parameters=TINY)
    for rubbish in ("", "[]", '{"version": "3"}'):
        (tmp_path / "world.json").write_text(rubbish)
        with pytest.raises(SyntheticDataError, match=r"world\.json: holds a synthetic data set with other parameters"):
            render_dataset(tmp_path, 1, workers=0, parameters=TINY)
    assert hashes(tmp_path) == before


def test_abandoned_temporary_files_are_removed(tmp_path: Path) -> None:
    render_dataset(tmp_path, 1, workers=0, parameters=TINY)
    old, young = (temporary_path(tmp_path / "recordings" / name, 123) for name in ("00000.mp4", "00001.mp4"))
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    render_dataset(tmp_path, 1, workers=0, parameters=TINY)
    assert (old.exists(), young.exists()) == (False, True)


def test_a_failed_recording_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Exception):
        pass

    def waveform(_: object) -> None:
        raise Broken

    monkeypatch.setattr("avgdt.synthetic.scene.Scene.audio", waveform)
    with pytest.raises(Broken):
        render_dataset(tmp_path / "dataset", 1, workers=0, parameters=TINY)
    assert not list((tmp_path / "dataset" / "recordings").iterdir())


def test_a_folder_with_another_data_set_is_refused(tiny_dataset: Path) -> None:
    before = hashes(tiny_dataset)
    with pytest.raises(SyntheticDataError, match=r"world\.json: holds a synthetic data set with other parameters"):
        render_dataset(tiny_dataset, 1, workers=0, parameters=replace(TINY, seed=99))
    with pytest.raises(SyntheticDataError, match=r"world\.json"):
        render_dataset(tiny_dataset, 1, workers=0, parameters=replace(TINY, version=0))
    assert hashes(tiny_dataset) == before


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SyntheticDataError, match="is not empty and is not a synthetic data set"):
        render_dataset(tmp_path, 1)
    with pytest.raises(SyntheticDataError, match="use 1 or more"):
        render_dataset(tmp_path / "new", 0)


def test_classes_and_splits_are_balanced() -> None:
    default = [(split_of(index), label_of(index)) for index in range(576)]
    counts = Counter(default)
    assert Counter(split for split, _ in default) == {"train": 384, "val": 96, "test": 96}
    labels = {label for _, label in default}
    assert len(labels) == len(ACTIONS) >= 10
    assert all(counts["train", x] == 32 and counts["val", x] == counts["test", x] == 8 for x in labels)
    assert {split_of(index) for index in range(36)} == {"train", "val", "test"}  # even a small data set has all splits


def test_the_manifest_lists_every_recording(tiny_dataset: Path) -> None:
    with (tiny_dataset / "manifest.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["path", "label", "split", "seed"]
    assert [row["label"] for row in rows] == [label_of(index) for index in range(len(ACTIONS))]
    assert all((tiny_dataset / row["path"]).is_file() and row["seed"] == "3" for row in rows)
    assert not any(row["label"] in row["path"] for row in rows)  # the path does not reveal the label


def test_default_frame_rate_and_length_are_in_range() -> None:
    parameters = Parameters()
    assert 25 <= parameters.frame_rate <= 30
    assert 6 <= parameters.seconds <= 10


def test_two_processes_can_render_the_same_data_set_simultaneously(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from avgdt.synthetic.dataset import render_dataset
from tests.synthetic.conftest import TINY
for _ in range(40):
    render_dataset(Path(sys.argv[1]), 1, workers=0, parameters=TINY)
"""
    one, two = (subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "dataset")]) for _ in range(2))
    assert (one.wait(), two.wait()) == (0, 0)
