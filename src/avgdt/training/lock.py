"""A lock that allows one run at a time to write to a folder."""

from __future__ import annotations

import fcntl
import os
import platform
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from avgdt.files import naming
from avgdt.training.errors import TrainingError

NAME = ".lock"
_UNFINISHED = (".*.partial", "checkpoints/.*.partial", ".manifest.csv.*", ".weights.safetensors.*")
_held: set[int] = set()


@contextmanager
def locked(folder: Path) -> Iterator[Callable[[], bool]]:
    """Return a context manager that holds the lock of a run's folder.

    The context manager yields a function that returns False once the folder has been deleted or moved. The lock is a
    ``flock``, which the operating system releases when the process ends; the lock file remains. Temporary files of a
    killed process are removed. Raises :class:`TrainingError`, which names the other process, if another process holds
    the lock.
    """
    with naming(folder, "choose another --out"):
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    _held.add(lock)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _refused(folder, lock) from None
        except OSError as error:  # the file system has no locks
            warnings.warn(
                f"{folder}: cannot be locked ({error.strerror}); do not start a second run in it", stacklevel=3
            )
        else:
            with naming(folder / NAME, "free some disk space and start the command again"):
                date = datetime.now().astimezone().isoformat(timespec="seconds")
                holder = f"process {os.getpid()} on {platform.node()} since {date}\n".encode()
                os.ftruncate(lock, 0)
                os.pwrite(lock, holder, 0)
            for unfinished in (file for pattern in _UNFINISHED for file in folder.glob(pattern)):
                with suppress(OSError):
                    unfinished.unlink()
        yield lambda: _is_open(folder / NAME, lock)
    finally:
        _held.discard(lock)
        os.close(lock)


def check_unlocked(folder: Path) -> None:
    """Raise :class:`TrainingError`, which names the process, if a run holds the lock of ``folder``."""
    try:
        lock = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _refused(folder, lock) from None
    except OSError:  # the file system has no locks; `locked` warns
        return
    finally:
        os.close(lock)


def _refused(folder: Path, lock: int) -> TrainingError:
    holder = os.pread(lock, 1000, 0).decode(errors="replace").strip()
    return TrainingError(
        f"{folder}: another run is writing here ({holder}); let it finish or stop it, or choose another --out"
    )


def _is_open(path: Path, descriptor: int) -> bool:
    """Return whether ``path`` refers to the file that is open as ``descriptor``."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except (FileNotFoundError, NotADirectoryError):
        return False


def _release() -> None:
    """Close the inherited lock files in a forked worker, which would otherwise hold the lock after its parent ends."""
    for lock in _held:
        os.close(lock)
    _held.clear()


os.register_at_fork(after_in_child=_release)
