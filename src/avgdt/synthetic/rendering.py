"""Rendering of many films in parallel, by processes that end with their parent."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from avgdt.processes import stopping_blocked
from avgdt.synthetic.errors import WorldError
from avgdt.synthetic.film import film, unfinished
from avgdt.synthetic.parameters import Parameters

_ABANDONED = 600  # seconds since an unfinished film has last grown


def render(parameters: Parameters, paths: dict[int, Path], workers: int | None) -> Generator[int]:
    """Render each index to its path, yielding it once its file is whole; ``workers`` as in ``render_world``.

    Raises WorldError where a film cannot be written or a process is killed.
    """
    processes = min(_cores() if workers is None else workers, len(paths))
    if processes > 1:
        yield from _side_by_side(parameters, paths, processes)
        return
    for index, path in paths.items():
        film(parameters, index, path)
        yield index


def remove_abandoned(folder: Path) -> None:
    """Remove what processes that were killed left unfinished; what is younger, another process may be writing."""
    for path in folder.glob(unfinished(folder / "*.mp4", "*").name):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _ABANDONED:
                path.unlink()


def _side_by_side(parameters: Parameters, paths: dict[int, Path], processes: int) -> Generator[int]:
    context, waiting = get_context("spawn"), iter(paths.items())
    running = dict[Connection, BaseProcess]()
    try:
        with _signals_wait():
            for _ in range(processes):
                ours, theirs = context.Pipe()
                process: BaseProcess = context.Process(target=_work, args=(parameters, theirs), daemon=True)
                process.start()
                theirs.close()
                running[ours] = process
        for connection in running:
            connection.send(next(waiting))
        busy = set(running)
        while busy:
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                answer: int | WorldError | RuntimeError = ready.recv()
                if isinstance(answer, Exception):
                    raise answer
                if (following := next(waiting, None)) is None:
                    busy.remove(ready)
                else:
                    ready.send(following)
                yield answer
    except (EOFError, ConnectionError):
        raise WorldError(
            "a process that rendered films was killed, perhaps for want of memory; run this again: films that are "
            "finished are kept"
        ) from None
    finally:
        for connection in running:
            connection.close()
        for process in running.values():  # they end after the film at hand
            process.join()
            if process.exitcode != 0:
                for path in paths.values():
                    unfinished(path, process.pid).unlink(missing_ok=True)


def _work(parameters: Parameters, connection: Connection) -> None:
    """Main function of a worker process: render the indices received until the parent closes the connection or ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where signals have no masks
    with suppress(EOFError, ConnectionError):
        while True:
            index, path = connection.recv()
            try:
                film(parameters, index, path)
            except WorldError as error:
                connection.send(error)
            except Exception:  # it may not travel itself; its trace does
                connection.send(RuntimeError(f"film {index} failed\n{traceback.format_exc()}"))
            else:
                connection.send(index)


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Signals to stop take effect afterwards, and never in a process started meanwhile (where signals have masks)."""
    if sys.platform != "win32":
        resource_tracker.ensure_running()  # it would start with the first process, and unblock what is blocked here
    with stopping_blocked():
        yield


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
