"""Tests of the clip store: stored clips equal decoded clips bit for bit, even if its files are damaged."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avgdt.data import store as store_module
from avgdt.data.clips import ClipReader, Item
from avgdt.data.manifest import Entry
from avgdt.data.scan import scan_missing
from avgdt.data.store import Store, open_store
from avgdt.data.windows import Window
from avgdt.recipes.clip import Clip
from avgdt.recipes.recipe import Data
from tests.helpers.media_files import evenly, noise, write_media

CLIP = Clip(frames=4, frame_rate=10.0, height=24, width=32, audio_seconds=0.4, sample_rate=8000)
WINDOWS = (Window(0.0), Window(0.61, 1.1), Window(1.234), Window(1.6), Window(0.3, speed=1.5))


def recording(path: Path, **options: object) -> Entry:
    write_media(path, evenly(50), noise(2.0, 16000) // 2, **options)  # type: ignore[arg-type]
    (entry,) = scan_missing([Entry(path)], workers=1)
    assert not entry.error
    return entry


def equal_items(item: Item, expected: Item) -> bool:
    return all(
        np.array_equal(getattr(item, name), getattr(expected, name))
        for name in ("video", "audio", "video_times", "audio_start")
    )


def read(entry: Entry, store: Store | None, clip: Clip = CLIP, grey: bool = False) -> Item:
    return ClipReader(clip, ("video", "audio"), grey, store).read(0, entry, WINDOWS)


def fail_on_decoding(*_: object, **__: object) -> None:
    raise AssertionError("the recording is opened")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", seconds=60)


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    return recording(tmp_path / "a.mp4", audio_codec="aac")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {"audio_codec": "aac"}),
        ("a.mkv", {"audio_codec": "libopus", "sample_rate": 16000}),
        ("a.avi", {"video_codec": "mpeg4", "audio_codec": "libmp3lame"}),
        ("a.mpg", {"video_codec": "mpeg1video", "audio_codec": "mp2"}),
        ("b.mkv", {"audio_start": 0.35}),
        ("av1.mkv", {"video_codec": "libsvtav1", "size": (64, 64), "video_options": {"preset": "8"}, "key_every": 25}),
        ("c.mkv", {"gaps": [(1.0, 0.5)]}),
    ],
)
def test_clips_are_bit_identical_with_and_without_the_store(
    tmp_path: Path, store: Store, name: str, options: dict[str, object]
) -> None:
    entry = recording(tmp_path / name, **options)
    for grey in (False, True):
        plain = read(entry, None, grey=grey)
        assert equal_items(plain, read(entry, store, grey=grey))  # on the first read, which writes to the store
        assert equal_items(plain, read(entry, store, grey=grey))  # on the second read, from the store


def test_recordings_are_decoded_once_for_clips_of_any_length(
    store: Store, entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, longer = read(entry, None), replace(CLIP, frames=7, frame_rate=12.0, audio_seconds=1.0)
    plain_longer = read(entry, None, longer)
    read(entry, store)
    monkeypatch.setattr(store_module, "Recording", fail_on_decoding)
    assert equal_items(plain, read(entry, store))
    assert equal_items(plain_longer, read(entry, store, longer))
    with pytest.raises(AssertionError, match="opened"):
        read(entry, store, replace(CLIP, height=20))


def test_a_changed_recording_is_decoded_again(tmp_path: Path, store: Store, entry: Entry) -> None:
    read(entry, store)
    write_media(entry.path, evenly(50), noise(2.0, 16000, seed=5), key_every=5)
    os.utime(entry.path, ns=(0, 10**18))
    assert equal_items(read(entry, None), read(entry, store))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1000] ^= 255
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [cut, flip, lambda path: path.write_bytes(b""), lambda path: path.unlink()])
def test_a_damaged_store_file_is_written_again(store: Store, entry: Entry, damage: Callable[[Path], object]) -> None:
    plain = read(entry, store)
    files = sorted(store.folder.rglob("*.safetensors"))
    assert len(files) == 3  # frames, audio, and audio at the second speed
    for file in files:
        damage(file)
        os.utime(file, ns=(0, 10**18)) if file.exists() else None
    assert equal_items(plain, read(entry, store))
    sizes = {file.stat().st_size for file in files}
    assert min(sizes) > 1000


def test_clips_are_decoded_if_the_disk_is_full(store: Store, entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert equal_items(read(entry, None), read(entry, store))
    assert not list(store.folder.rglob("*.*"))


def test_recordings_beyond_the_limits_of_the_store_are_not_stored(store: Store, entry: Entry) -> None:
    for frugal in (replace(store, seconds=1.9), replace(store, fraction=0.0), replace(store, spare=2**60)):
        assert equal_items(read(entry, None), read(entry, frugal))
    assert not list(store.folder.rglob("*.*"))


def test_the_fraction_of_stored_recordings_follows_the_size_limit(tmp_path: Path, entry: Entry) -> None:
    long, other = (
        replace(entry, path=tmp_path / "long", duration=1000.0),
        replace(entry, path=tmp_path / "b", duration=4.0),
    )
    entries = [entry, long, other, other]  # the second recording is too long to be worth storing

    def planned_fraction(gigabytes: float, channels: int = 3, rates: int = 1) -> float:
        data = Data(store=str(tmp_path / "s"), store_gigabytes=gigabytes)
        opened = open_store(data, tmp_path)
        assert opened is not None
        return opened.planned(entries, CLIP, 10.0, channels, rates).fraction

    per_second = 25 * 24 * 32 * 3 + 4 * 8000
    assert planned_fraction(per_second * 3 / 1e9) == pytest.approx(0.5, rel=0.01)
    assert planned_fraction(0.0) == 0
    assert planned_fraction(-1) == 1
    assert planned_fraction(4 * 8000 * 3 / 1e9, channels=0) == pytest.approx(0.5, rel=0.01)


def test_a_fraction_of_the_recordings_is_stored(tmp_path: Path, store: Store, entry: Entry) -> None:
    half = replace(store, fraction=0.5)
    for i in range(24):
        copy = tmp_path / f"copy{i}.mp4"
        copy.write_bytes(entry.path.read_bytes())
        with half.open(replace(entry, path=copy)) as file:
            file.frames([0.5], 24, 32)
    assert 4 <= len(list(store.folder.rglob("video-*.safetensors"))) <= 20


def test_old_temporary_files_of_killed_processes_are_removed(store: Store, entry: Entry) -> None:
    read(entry, store)
    place = next(store.folder.rglob("*.safetensors")).parent
    old, new = place / ".x.safetensors.1.partial", place / ".y.safetensors.2.partial"
    for file in (old, new):
        file.write_bytes(b"half")
    os.utime(old, (0, 0))
    store.planned([entry], CLIP, 10.0, 3)
    assert not old.exists()
    assert new.exists()


def test_a_disabled_store_writes_nothing(tmp_path: Path) -> None:
    assert open_store(Data(store="off"), tmp_path) is None
    opened = open_store(Data(), tmp_path)
    assert opened is not None
    assert opened.folder == tmp_path / "store"
