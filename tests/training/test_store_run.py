"""Tests of runs with the clip store: the weights are the same as without it, and damaged recordings are detected."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from safetensors.numpy import load_file

from avgdt.data.selection import read_skipped
from avgdt.recipes.config import write_yaml
from avgdt.recipes.recipe import Data, Recipe
from avgdt.training.pretrain import Callbacks, pretrain
from tests.helpers.command import start
from tests.helpers.folders import write_folder
from tests.helpers.recipes import tiny


def recipe(**data: object) -> Recipe:
    return tiny(data=Data(held_out_at_most=0, **data), schedule=replace(tiny().schedule, epochs=5))  # type: ignore[arg-type]


def weights(out: Path) -> dict[str, np.ndarray]:
    return load_file(out / "weights.safetensors")


def equal_weights(first: Path, second: Path) -> bool:
    a, b = weights(first), weights(second)
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def zero_video(path: Path, first: float, last: float) -> None:
    """Overwrite video packets with zeros, in place; ``first`` and ``last`` are fractions of the number of packets."""
    with av.open(str(path)) as source:
        packets = [packet for packet in source.demux(source.streams.video[0]) if packet.size]
        spans = [(packet.pos, packet.size) for packet in packets[int(first * len(packets)) : int(last * len(packets))]]
    content = bytearray(path.read_bytes())
    for begin, size in spans:
        content[begin : begin + size] = bytes(size)
    path.write_bytes(bytes(content))


def test_weights_are_equal_with_and_without_the_store(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "own", 8)
    pretrain(recipe(store="off"), folder, tmp_path / "off")
    pretrain(recipe(), folder, tmp_path / "auto")
    pretrain(recipe(store=str(tmp_path / "shared")), folder, tmp_path / "there")
    helped = recipe(store=str(tmp_path / "shared"))
    pretrain(replace(helped, run=replace(helped.run, workers=2)), folder, tmp_path / "again")
    assert not (tmp_path / "off" / "store").exists()
    assert len(list((tmp_path / "auto" / "store").rglob("*.safetensors"))) == 16
    for out in ("auto", "there", "again"):
        assert equal_weights(tmp_path / "off", tmp_path / out)


def test_a_run_killed_while_the_store_is_written_leaves_a_valid_store(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "own", 8)
    pretrain(recipe(store="off"), folder, tmp_path / "off")
    write_yaml(recipe(), tmp_path / "tiny.yaml")
    arguments = ["pretrain", "--config", "tiny.yaml", "--data", "own", "--out", "run"]
    for files in (1, 4):
        process = start(*arguments, cwd=tmp_path)
        while len(list((tmp_path / "run" / "store").rglob("*.safetensors"))) < files and process.poll() is None:
            time.sleep(0.001)
        process.kill()
        process.wait()
    final = start(*arguments, cwd=tmp_path)
    assert final.wait(120) in (0, 2)
    if final.returncode == 2:  # a killed process was fast enough to save a checkpoint
        assert start("pretrain", "--resume", "--out", "run", cwd=tmp_path).wait(120) == 0
    assert equal_weights(tmp_path / "off", tmp_path / "run")


@pytest.mark.parametrize("store", ["off", "auto"])
def test_damaged_recordings_are_reported_and_listed(tmp_path: Path, store: str) -> None:
    folder, messages = write_folder(tmp_path / "own", 10, seconds=6.0), list[str]()
    for name in ("03.mkv", "07.mkv"):
        zero_video(folder / name, 0.3, 0.8)
    pretrain(
        recipe(store=store, failing_at_most=0.3),
        folder,
        tmp_path / "run",
        callbacks=Callbacks(on_message=messages.append),
    )
    rows = {row.path.name: row.reason for row in read_skipped(tmp_path / "run" / "skipped.csv")}
    assert rows.keys() == {"03.mkv", "07.mkv"}
    assert all(reason.startswith("damaged: ") and "is damaged at" in reason for reason in rows.values())
    assert len(messages) == 3
    assert all(any(name in line for line in messages[:2]) for name in rows)
    assert messages[2].startswith("2 recordings could not be read during training")
