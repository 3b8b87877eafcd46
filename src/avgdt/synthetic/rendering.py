"""Rendering of recordings to MP4 files with H.264 video and AAC audio, in one or several processes."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from avgdt.errors import AvgdtError
from avgdt.files import naming
from avgdt.processes import stopping_blocked, usable_cores
from avgdt.synthetic.errors import SyntheticDataError
from avgdt.synthetic.parameters import Parameters
from avgdt.synthetic.scene import Scene
from avgdt.synthetic.timeline import Floats

REMEDY = "free some disk space or name another folder, then run the same command: finished recordings are reused"
"""Remedy appended to error messages about files of the data set that cannot be written."""

# With one thread and without the macroblock tree, the encoded bits depend neither on the number of cores nor on the
# previous contents of memory. (With the tree, one of ten small recordings differed in one of three processes.) A
# keyframe per second makes seeking fast. At equal quality, the preset ultrafast takes a third of the encoding time and
# half of the decoding time of veryfast, but its files are twice as large.
_VIDEO = {"preset": "ultrafast", "crf": "21", "threads": "1", "mbtree": "0", "g": "25", "bf": "0"}
_AUDIO_RATE = 64000  # bit rate of the audio, in bits per second
_AUDIO = {"aac_coder": "fast"}
_ABANDONED = 600  # time since the last write after which a temporary file is considered abandoned, in seconds


def render(parameters: Parameters, paths: dict[int, Path], workers: int | None) -> Generator[int]:
    """Render each recording to its path and yield its index when its file is complete.

    ``paths`` maps indices to files. For ``workers``, see :func:`avgdt.synthetic.dataset.render_dataset`. Raises
    :class:`avgdt.files.WriteError` if a file cannot be written and :class:`SyntheticDataError` if a process is killed.
    """
    processes = min(usable_cores() if workers is None else workers, len(paths))
    if processes > 1:
        yield from _render_in_processes(parameters, paths, processes)
        return
    for index, path in paths.items():
        write_recording(parameters, index, path)
        yield index


def write_recording(parameters: Parameters, index: int, path: Path) -> None:
    """Render recording ``index`` to a temporary file and rename it to ``path``.

    Raises :class:`avgdt.files.WriteError` if a file cannot be written.
    """
    scene = Scene(parameters, index)
    temporary = temporary_path(path)
    with naming(path, REMEDY):
        try:
            encode(parameters, scene.frames(parameters.times), scene.audio(), temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def encode(parameters: Parameters, frames: Iterable[npt.NDArray[np.uint8]], audio: Floats, path: Path) -> None:
    """Write frames and a waveform (samples,) to an MP4 file.

    Each frame is (height * 3 / 2, width) in yuv420p. Raises ``OSError`` if the file cannot be written.
    """
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        video_stream = container.add_stream("libx264", rate=parameters.frame_rate, options=_VIDEO)
        video_stream.height, video_stream.width, video_stream.pix_fmt = parameters.height, parameters.width, "yuv420p"
        audio_stream = container.add_stream("aac", rate=parameters.sample_rate, layout="mono", options=_AUDIO)
        audio_stream.bit_rate = _AUDIO_RATE
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_numpy_buffer(pixels, format="yuv420p")
            frame.pts = number
            container.mux(video_stream.encode(frame))
        container.mux(video_stream.encode(None))
        samples = av.AudioFrame.from_ndarray(audio.astype(np.float32)[None], format="fltp", layout="mono")
        samples.sample_rate = parameters.sample_rate
        samples.pts = 0
        container.mux(audio_stream.encode(samples))
        container.mux(audio_stream.encode(None))


def temporary_path(path: Path, process: int | str | None = None) -> Path:
    """Return the path of the temporary file that a process writes and then renames to ``path``.

    ``process`` is the process ID, by default the ID of the current process.
    """
    return path.with_name(f".{path.stem}.{os.getpid() if process is None else process}{path.suffix}")


def remove_abandoned(folder: Path) -> None:
    """Remove old temporary files left by killed processes.

    Recent temporary files remain, since other processes may still be writing them.
    """
    for path in folder.glob(temporary_path(folder / "*.mp4", "*").name):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _ABANDONED:
                path.unlink()


def _render_in_processes(parameters: Parameters, paths: dict[int, Path], processes: int) -> Generator[int]:
    context, pending = get_context("spawn"), iter(paths.items())
    running = dict[Connection, BaseProcess]()
    try:
        with _signals_blocked():
            for _ in range(processes):
                ours, theirs = context.Pipe()
                process: BaseProcess = context.Process(target=_work, args=(parameters, theirs), daemon=True)
                process.start()
                theirs.close()
                running[ours] = process
        for connection in running:
            connection.send(next(pending))
        busy = set(running)
        while busy:
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                answer: int | AvgdtError | RuntimeError = ready.recv()
                if isinstance(answer, Exception):
                    raise answer
                if (following := next(pending, None)) is None:
                    busy.remove(ready)
                else:
                    ready.send(following)
                yield answer
    except (EOFError, ConnectionError):
        raise SyntheticDataError(
            "a rendering process was killed, possibly because memory ran out; run the same command "
            "again: finished recordings are reused"
        ) from None
    finally:
        for connection in running:
            connection.close()
        for process in running.values():  # each process ends after its current recording
            process.join()
            if process.exitcode != 0:
                for path in paths.values():
                    temporary_path(path, process.pid).unlink(missing_ok=True)


def _work(parameters: Parameters, connection: Connection) -> None:
    """Render recordings in a worker process until the parent process closes ``connection`` or ends.

    For each pair of index and path received from ``connection``, the index is sent back when the recording is finished,
    or an exception if rendering fails.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for platforms without signal masks
    with suppress(EOFError, ConnectionError):
        while True:
            index, path = connection.recv()
            try:
                write_recording(parameters, index, path)
            except AvgdtError as error:
                connection.send(error)
            except Exception:  # the exception may not be picklable, but its traceback is text
                connection.send(RuntimeError(f"recording {index} failed\n{traceback.format_exc()}"))
            else:
                connection.send(index)


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Return a context manager that blocks stop signals, also in child processes, on platforms with signal masks."""
    if sys.platform != "win32":
        resource_tracker.ensure_running()  # otherwise, the first process starts the tracker, which unblocks the signals
    with stopping_blocked():
        yield
