"""Tests of worker processes that are killed, hang, or have almost no shared memory."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from avgdt.data.clips import ClipReader, Item
from avgdt.data.dataset import Batches, Clips
from avgdt.data.manifest import Entry
from avgdt.data.windows import Window
from avgdt.data.workers import WorkerError, read_batches
from avgdt.media.errors import NotAFile
from tests.helpers.recipes import tiny


@dataclass(frozen=True)
class FakeReader(ClipReader):
    """Clip reader without files; the name of a recording decides whether reading crashes, hangs, fails or succeeds."""

    pixels: int = 100

    def read(self, recording: int, entry: Entry, windows: Sequence[Window], epoch: int = 0) -> Item:
        if entry.path.name == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if entry.path.name == "hangs":
            time.sleep(3600)
        if entry.path.name == "defect":
            raise LookupError("a defect")
        if entry.path.name == "gone":
            raise NotAFile(entry.path, "no such file")
        video = np.random.default_rng([epoch, recording]).integers(0, 255, (1, 1, 1, 1, self.pixels), dtype=np.uint8)
        return Item(
            item=recording,
            recording=recording,
            epoch=epoch,
            video=video,
            audio=None,
            video_times=None,
            audio_start=None,
        )


def clips(names: Sequence[str], pixels: int = 100) -> Clips:
    reader = FakeReader(tiny().clip, ("video",), False, pixels=pixels)
    return Clips([Entry(Path(name)) for name in names], reader, _windows)


def _windows(epoch: int, index: int) -> list[Window]:
    return [Window(0.0)]


def test_batches_larger_than_a_pipe_arrive_in_order_and_bit_identical() -> None:
    data, lots = clips(["good"] * 7, pixels=2_000_000), Batches(7, 3, 3, 0)
    alone, helped = (list(read_batches(data, lots, workers, pin_memory=False)) for workers in (0, 4))
    assert len(alone) == len(helped) == 6
    for expected, batch in zip(alone, helped, strict=True):
        assert expected.epoch == batch.epoch
        assert torch.equal(expected.recordings, batch.recordings)
        assert expected.video is not None
        assert batch.video is not None
        assert torch.equal(expected.video, batch.video)
        batch.video.add_(1)  # separate memory, not a view


def test_a_batch_in_which_every_recording_fails_arrives() -> None:
    (batch,) = read_batches(clips(["gone", "gone"]), [[(0, 0), (0, 1)]], 1, pin_memory=False)
    assert len(batch) == 0
    assert len(batch.failures) == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("killed", r"a worker process was killed \(signal 9\) while reading .*killed, perhaps because memory ran out"),
        ("hangs", r"hangs: a worker process has been reading it for more than 2 s; move this file away"),
    ],
)
def test_a_killed_or_hanging_worker_raises_one_error_in_bounded_time(name: str, message: str) -> None:
    began = time.monotonic()
    batches = read_batches(clips(["good", "good", name, "good"]), [[(0, 0), (0, 1)], [(0, 2), (0, 3)]], 2, False, 2.0)
    assert len(next(batches)) == 2
    with pytest.raises(WorkerError, match=message):
        next(batches)
    assert time.monotonic() - began < 10


def test_the_error_can_be_pickled() -> None:
    error = WorkerError("a worker process was killed", "free some memory")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert pickle.loads(pickle.dumps(error)).remedy == "free some memory"


def test_an_unexpected_error_in_a_worker_keeps_its_traceback() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)a worker process failed.*LookupError: a defect"):
        list(read_batches(clips(["defect"]), [[(0, 0)]], 1, pin_memory=False))


def test_workers_end_with_the_iteration_over_batches() -> None:
    before = _children()
    batches = read_batches(clips(["good"] * 9), Batches(9, 3, 9, 0), 3, pin_memory=False)
    next(batches)
    assert len(_children() - before) == 3
    batches.close()
    assert _children() == before


def test_workers_do_not_outlive_the_main_process() -> None:
    code = (
        "import os, signal; from tests.data.test_workers import *; from tests.data.test_workers import _children\n"
        "batches = read_batches(clips(['good'] * 9, 500_000), Batches(9, 3, 99, 0), 3, pin_memory=False)\n"
        "next(batches); print(*_children(), flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    out = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False).stdout
    workers = [int(pid) for pid in out.split()]
    assert len(workers) == 3
    deadline = time.monotonic() + 10
    while any(_alive(pid) for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_almost_no_shared_memory_suffices() -> None:
    """Workers pass batches of 6 MB if /dev/shm holds only 64 KiB, as in some containers."""
    unshare = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=64k tmpfs /dev/shm && exec "$@"', "sh"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system is not permitted")
    code = (
        "from tests.data.test_workers import *\n"
        "print(len(list(read_batches(clips(['good'] * 9, 2_000_000), Batches(9, 3, 2, 0), 2, pin_memory=False))))"
    )
    run = subprocess.run(
        [*unshare, sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.stdout == "6\n", run.stderr


def _children() -> set[int]:
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {int(pid) for pid in children}


def _alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
