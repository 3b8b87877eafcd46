"""How rendering ends before it is done: Ctrl-C, a parent or a worker that is killed, a full disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path

import pytest

from avgdt.synthetic import WorldError, render_world
from tests.synthetic.conftest import TINY

PROGRAM = """
import sys
from pathlib import Path
from avgdt.synthetic import WorldError, render_world
from tests.synthetic.conftest import TINY
if __name__ == "__main__":
    try:
        render_world(Path(sys.argv[1]), 400, workers=int(sys.argv[2]), parameters=TINY)
    except (KeyboardInterrupt, WorldError) as error:
        print(type(error).__name__, error)
"""


def started(folder: Path, workers: int, films: int) -> subprocess.Popen[str]:
    """A process in a group of its own that has rendered so many films and goes on; 0: its workers are starting."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), str(workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 60
    while not (folder / "recordings").exists() or len(list(folder.glob("recordings/0*.mp4"))) < films:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    time.sleep(0 if films else 0.15)
    return process


def ended(group: int) -> bool:
    """Whether no process of a group is left, after at most 20 seconds."""
    for _ in range(400):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(("workers", "films"), [(0, 3), (2, 3), (2, 0)])
def test_ctrl_c_leaves_whole_films_and_one_word(tmp_path: Path, workers: int, films: int) -> None:
    process = started(tmp_path, workers, films)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to everybody
    out, err = process.communicate(timeout=60)
    assert (out.strip(), err) == ("KeyboardInterrupt", "")
    assert ended(process.pid)
    paths = list((tmp_path / "recordings").iterdir())
    assert films <= len(paths) < 400
    assert not [path for path in paths if path.name.startswith(".")]
    before = {path: path.read_bytes() for path in paths}
    render_world(tmp_path, 3, workers=0, parameters=TINY)
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
def test_workers_end_with_their_parent_and_leave_nothing_unfinished(
    tmp_path: Path, how: signal.Signals, to: Callable[[int, int], None]
) -> None:
    process = started(tmp_path, 2, films=3)
    to(process.pid, how)
    _, err = process.communicate(timeout=60)
    assert err == ""
    assert ended(process.pid)
    assert not list((tmp_path / "recordings").glob(".*"))


def test_a_worker_that_is_killed_is_told_in_one_line(tmp_path: Path) -> None:
    def kill(done: int, total: int) -> None:
        if done == 2:
            os.kill(active_children()[0].pid or 0, signal.SIGKILL)

    with pytest.raises(WorldError, match="was killed"):
        render_world(tmp_path, 100, workers=2, progress=kill, parameters=TINY)
    assert not active_children()
    assert not list((tmp_path / "recordings").glob(".*"))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(("limit", "file"), [(20, "world.json"), (20_000, "00000.mp4")])
def test_a_full_disk_is_told_in_one_line(tmp_path: Path, limit: int, file: str, workers: int) -> None:
    program = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n{PROGRAM}"
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "world"), str(workers)], capture_output=True, text=True
    )
    assert run.stdout.startswith("WorldError ")
    assert "cannot be written (File too large)" in run.stdout
    assert workers or file in run.stdout
    assert run.stdout.count("\n") == 1
    assert run.stderr == ""
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]
