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

from avgdt.synthetic import Parameters, WorldError, render_world, rendering
from avgdt.synthetic.actions import ACTIONS
from avgdt.synthetic.film import unfinished
from avgdt.synthetic.world import label_of, split_of
from tests.synthetic.conftest import TINY


def hashes(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted((folder / "recordings").iterdir())}


def filming(monkeypatch: pytest.MonkeyPatch, stops_at: int | None = None) -> list[int]:
    """The recordings that are filmed from now on; Ctrl-C at one of them."""
    filmed, film = list[int](), rendering.film

    def seen(parameters: Parameters, index: int, path: Path) -> None:
        if index == stops_at:
            raise KeyboardInterrupt
        filmed.append(index)
        film(parameters, index, path)

    monkeypatch.setattr(rendering, "film", seen)
    return filmed


def test_parallel_and_serial_files_are_the_same_bits(tiny_world: Path, tmp_path: Path) -> None:
    render_world(tmp_path / "parallel", len(ACTIONS), workers=2, parameters=TINY)
    assert hashes(tmp_path / "parallel") == hashes(tiny_world)
    assert (tmp_path / "parallel" / "manifest.csv").read_bytes() == (tiny_world / "manifest.csv").read_bytes()


def test_sounds_do_not_depend_on_the_number_of_threads() -> None:
    program = """
import hashlib
from avgdt.synthetic import Parameters
from avgdt.synthetic.scene import Scene
print([hashlib.sha256(Scene(Parameters(seconds=2.0), index).sound()).hexdigest() for index in range(12)])
"""
    threads = [{"OPENBLAS_NUM_THREADS": count, "OMP_NUM_THREADS": count} for count in ("1", "2")]
    one, two = (
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, **some}, capture_output=True, text=True, check=True
        ).stdout
        for some in threads
    )
    assert one == two


def test_no_two_recordings_are_alike_and_the_seed_matters(tiny_world: Path, tmp_path: Path) -> None:
    render_world(tmp_path / "other", 2, workers=0, parameters=replace(TINY, seed=4))
    every = [*hashes(tiny_world).values(), *hashes(tmp_path / "other").values()]
    assert len(set(every)) == len(ACTIONS) + 2


def test_a_recording_does_not_depend_on_how_many_there_are(tiny_world: Path, tmp_path: Path) -> None:
    render_world(tmp_path / "fewer", 3, workers=0, parameters=TINY)
    assert hashes(tmp_path / "fewer").items() <= hashes(tiny_world).items()


def test_a_world_is_reused_and_an_interrupted_one_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "world"
    render_world(folder, 3, workers=0, parameters=TINY)
    whole = hashes(folder)
    (folder / "recordings" / "00001.mp4").unlink()
    (folder / "manifest.csv").unlink()
    filmed, seen = filming(monkeypatch), []
    manifest = render_world(
        folder, 3, workers=0, parameters=TINY, progress=lambda done, total: seen.append((done, total))
    )
    assert filmed == [1]
    assert seen == [(2, 3), (3, 3)]
    assert hashes(folder) == whole
    assert manifest.exists()
    render_world(folder, 3, workers=0, parameters=TINY)
    assert filmed == [1]


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "zeros", "another"])
def test_a_damaged_film_is_rendered_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    folder = tmp_path / "world"
    render_world(folder, 3, workers=0, parameters=TINY)
    whole, path = hashes(folder), folder / "recordings" / "00001.mp4"
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "another":
        path.write_bytes((folder / "recordings" / "00002.mp4").read_bytes())
    else:
        half = content[: len(content) // 2]
        path.write_bytes({"empty": b"", "truncated": half, "zeros": half.ljust(len(content), b"\0")}[damage])
    filmed = filming(monkeypatch)
    render_world(folder, 3, workers=0, parameters=TINY)
    assert filmed == [1]
    assert hashes(folder) == whole


def test_films_of_an_earlier_version_are_rendered_anew_and_never_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, films = tmp_path / "world", tmp_path / "world" / "recordings"
    render_world(folder, 3, workers=0, parameters=replace(TINY, version=TINY.version - 1))
    (folder / "recordings.sha256").unlink()  # the versions before this one wrote none
    with monkeypatch.context() as patch:
        filmed = filming(patch, stops_at=1)
        with pytest.raises(KeyboardInterrupt):
            render_world(folder, 2, workers=0, parameters=TINY)
    assert filmed == [0]
    assert [path.name for path in films.iterdir()] == ["00000.mp4"]
    assert not (folder / "manifest.csv").exists()
    filmed = filming(monkeypatch)
    render_world(folder, 2, workers=0, parameters=TINY)
    assert filmed == [1]


def test_a_later_version_and_an_unreadable_world_are_refused(tmp_path: Path) -> None:
    render_world(tmp_path, 1, workers=0, parameters=replace(TINY, version=TINY.version + 1))
    before = hashes(tmp_path)
    with pytest.raises(WorldError, match=r"world\.json: holds a world of other parameters"):
        render_world(tmp_path, 1, workers=0, parameters=TINY)
    for rubbish in ("", "[]", '{"version": "3"}'):
        (tmp_path / "world.json").write_text(rubbish)
        with pytest.raises(WorldError, match=r"world\.json: holds a world of other parameters"):
            render_world(tmp_path, 1, workers=0, parameters=TINY)
    assert hashes(tmp_path) == before


def test_unfinished_files_are_removed_once_nobody_writes_them(tmp_path: Path) -> None:
    render_world(tmp_path, 1, workers=0, parameters=TINY)
    old, young = (unfinished(tmp_path / "recordings" / name, 123) for name in ("00000.mp4", "00001.mp4"))
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    render_world(tmp_path, 1, workers=0, parameters=TINY)
    assert (old.exists(), young.exists()) == (False, True)


def test_a_failed_recording_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Exception):
        pass

    def sound(_: object) -> None:
        raise Broken

    monkeypatch.setattr("avgdt.synthetic.scene.Scene.sound", sound)
    with pytest.raises(Broken):
        render_world(tmp_path / "world", 1, workers=0, parameters=TINY)
    assert not list((tmp_path / "world" / "recordings").iterdir())


def test_another_world_in_the_folder_is_refused(tiny_world: Path) -> None:
    before = hashes(tiny_world)
    with pytest.raises(WorldError, match=r"world\.json: holds a world of other parameters"):
        render_world(tiny_world, 1, workers=0, parameters=replace(TINY, seed=99))
    with pytest.raises(WorldError, match=r"world\.json"):
        render_world(tiny_world, 1, workers=0, parameters=replace(TINY, version=0))
    assert hashes(tiny_world) == before


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(WorldError, match="is not empty and holds no world"):
        render_world(tmp_path, 1)
    with pytest.raises(WorldError, match="at least 1"):
        render_world(tmp_path / "new", 0)


def test_classes_and_splits_are_balanced() -> None:
    default = [(split_of(index), label_of(index)) for index in range(576)]
    counts = Counter(default)
    assert Counter(split for split, _ in default) == {"train": 384, "val": 96, "test": 96}
    labels = {label for _, label in default}
    assert len(labels) == len(ACTIONS) >= 10
    assert all(counts["train", x] == 32 and counts["val", x] == counts["test", x] == 8 for x in labels)
    assert {split_of(index) for index in range(36)} == {"train", "val", "test"}  # a small world has all splits


def test_the_manifest_names_every_recording(tiny_world: Path) -> None:
    with (tiny_world / "manifest.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["path", "label", "split", "seed"]
    assert [row["label"] for row in rows] == [label_of(index) for index in range(len(ACTIONS))]
    assert all((tiny_world / row["path"]).is_file() and row["seed"] == "3" for row in rows)
    assert not any(row["label"] in row["path"] for row in rows)  # a path gives nothing away


def test_the_default_world_is_as_asked() -> None:
    parameters = Parameters()
    assert 25 <= parameters.frame_rate <= 30
    assert 6 <= parameters.seconds <= 10


def test_two_processes_may_render_the_same_world_at_once(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from avgdt.synthetic import render_world
from tests.synthetic.conftest import TINY
for turn in range(40):
    render_world(Path(sys.argv[1]), 1, workers=0, parameters=TINY)
"""
    one, two = (subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "world")]) for _ in range(2))
    assert (one.wait(), two.wait()) == (0, 0)
