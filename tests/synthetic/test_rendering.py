"""Tests of rendered files, and of rendering that is interrupted by Ctrl-C, a killed process or a full disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from multiprocessing import active_children
from pathlib import Path

import av
import numpy as np
import pytest

from avgdt.synthetic.actions import ACTIONS
from avgdt.synthetic.dataset import render_dataset
from avgdt.synthetic.errors import SyntheticDataError
from avgdt.synthetic.scene import Scene
from tests.synthetic.conftest import TINY
from tests.synthetic.decoded import decode

PROGRAM = """
import sys
from pathlib import Path
from avgdt.synthetic.dataset import render_dataset
from avgdt.errors import AvgdtError
from tests.synthetic.conftest import TINY
if __name__ == "__main__":
    try:
        render_dataset(Path(sys.argv[1]), 400, workers=int(sys.argv[2]), parameters=TINY)
    except (KeyboardInterrupt, AvgdtError) as error:
        print(type(error).__name__, error)
"""


def started(folder: Path, workers: int, recordings: int) -> subprocess.Popen[str]:
    """Start rendering in a new process group, and wait for ``recordings`` files; if 0, only until workers start."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), str(workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 60
    while not (folder / "recordings").exists() or len(list(folder.glob("recordings/0*.mp4"))) < recordings:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    time.sleep(0 if recordings else 0.15)
    return process


def has_ended(group: int) -> bool:
    """Return whether all processes of a group end within 20 seconds."""
    for _ in range(400):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(("workers", "recordings"), [(0, 3), (2, 3), (2, 0)])
def test_ctrl_c_leaves_complete_recordings_and_no_traceback(tmp_path: Path, workers: int, recordings: int) -> None:
    process = started(tmp_path, workers, recordings)
    os.killpg(process.pid, signal.SIGINT)  # the signal goes to the whole group, as from a terminal
    out, err = process.communicate(timeout=60)
    assert (out.strip(), err) == ("KeyboardInterrupt", "")
    assert has_ended(process.pid)
    paths = list((tmp_path / "recordings").iterdir())
    assert recordings <= len(paths) < 400
    assert not [path for path in paths if path.name.startswith(".")]
    before = {path: path.read_bytes() for path in paths}
    render_dataset(tmp_path, 3, workers=0, parameters=TINY)
    assert {path: path.read_bytes() for path in paths} == before


@pytest.mark.parametrize(
    ("how", "to"),
    [
        (signal.SIGTERM, os.kill),
        (signal.SIGTERM, os.killpg),
        (signal.SIGHUP, os.killpg),
        (signal.SIGKILL, os.kill),
    ],
)
def test_workers_end_with_their_parent_and_leave_no_temporary_files(
    tmp_path: Path, how: signal.Signals, to: Callable[[int, int], None]
) -> None:
    process = started(tmp_path, 2, recordings=3)
    to(process.pid, how)
    _, err = process.communicate(timeout=60)
    assert err == ""
    assert has_ended(process.pid)
    assert not list((tmp_path / "recordings").glob(".*"))


def test_a_killed_worker_is_reported_in_one_line(tmp_path: Path) -> None:
    def kill(done: int, total: int) -> None:
        if done == 2:
            os.kill(active_children()[0].pid or 0, signal.SIGKILL)

    with pytest.raises(SyntheticDataError, match="was killed"):
        render_dataset(tmp_path, 100, workers=2, progress=kill, parameters=TINY)
    assert not active_children()
    assert not list((tmp_path / "recordings").glob(".*"))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(("limit", "file"), [(20, "world.json"), (20_000, "00000.mp4")])
def test_a_full_disk_is_reported_in_one_line(tmp_path: Path, limit: int, file: str, workers: int) -> None:
    program = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n{PROGRAM}"
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "dataset"), str(workers)], capture_output=True, text=True
    )
    assert run.stdout.startswith("WriteError ")
    assert "could not be written (File too large)" in run.stdout
    assert workers or file in run.stdout
    assert run.stdout.count("\n") == 1
    assert run.stderr == ""
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


@pytest.mark.parametrize("index", range(len(ACTIONS)))
def test_streams_are_h264_and_aac_with_the_given_rates_and_length(tiny_dataset: Path, index: int) -> None:
    path = tiny_dataset / "recordings" / f"{index:05d}.mp4"
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert container.format.name.startswith("mov,mp4")
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert video.average_rate == Fraction(25)
        assert (video.height, video.width, video.codec_context.pix_fmt) == (48, 64, "yuv420p")
        assert (audio.rate, audio.channels) == (24000, 1)
    file = decode(path)
    np.testing.assert_allclose(file.times, np.arange(40) / 25, atol=1e-6)
    assert file.samples.size / file.rate == pytest.approx(1.6, abs=0.05)


@pytest.mark.parametrize("index", range(len(ACTIONS)))
def test_files_hold_the_frames_and_the_waveform_of_the_scene(tiny_dataset: Path, index: int) -> None:
    file, scene = decode(tiny_dataset / "recordings" / f"{index:05d}.mp4"), Scene(TINY, index)
    frames = [av.VideoFrame.from_ndarray(image, format="yuv420p") for image in scene.frames(file.times)]
    drawn = np.stack([frame.to_ndarray(format="rgb24") for frame in frames])
    assert np.abs(file.pixels - drawn).mean() < 6  # the video codec is lossy
    waveform = scene.audio()
    decoded = file.samples[: waveform.size]
    lags = range(-40, 41)
    correlations = [float(np.corrcoef(np.roll(waveform, lag)[100:-100], decoded[100:-100])[0, 1]) for lag in lags]
    assert abs(lags[int(np.argmax(correlations))]) <= 2  # synchronous to a tenth of a millisecond
    assert max(correlations) > 0.85
    assert 0.003 < decoded.std() < 0.3
