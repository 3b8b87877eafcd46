"""Atomic writes, reading of JSON lines, and digests of source code, used as keys of cached results."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from avgdt.errors import AvgdtError


class WriteError(AvgdtError):
    """Raised if a file cannot be written; the message names the file, the reason and a remedy."""


class DamagedLine(AvgdtError):
    """Raised if a line of a log cannot be read; the message names the file, the line and a remedy."""


_FREE_SPACE = "free some disk space"
"""Beginning of most remedies; :data:`_REMEDIES` replaces it if a full disk is not the cause."""
_REMEDIES = {
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "make the folder writable"),
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST), "check the path of the folder"),
}


@contextmanager
def naming(path: Path, remedy: str) -> Iterator[None]:
    """Return a context manager that converts ``OSError`` to :class:`WriteError` with ``path`` and ``remedy``."""
    try:
        yield
    except OSError as error:
        raise _not_written(path, error, remedy) from error


def write_atomically(
    path: Path,
    write: Callable[[BinaryIO], object],
    remedy: str = f"{_FREE_SPACE} and try again",
    replacing: Callable[[], object] = lambda: None,
    parents: bool = True,
) -> None:
    """Write to a temporary file beside ``path``, flush it to disk and rename it.

    If the disk is full or the process crashes, an existing file is unchanged. Raises :class:`WriteError` with
    ``remedy`` in its message. ``replacing`` is called when the content is on disk, before the file is renamed. The
    parent folder of the file is created if missing and, with ``parents``, so are the folders above it. A training run
    passes ``parents=False``, so that a deleted run folder is not created again.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=parents, exist_ok=True)
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        replacing()
        temporary.replace(path)
        _flush_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):  # a parent may be a file
            temporary.unlink()
        # torch.save reports a full disk as a RuntimeError of its own writer.
        if isinstance(error, OSError | RuntimeError):
            raise _not_written(path, error, remedy) from error
        raise


def _not_written(path: Path, error: BaseException, remedy: str) -> WriteError:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):  # an OSError may be the context of torch's RuntimeError
        cause = cause.__context__
    reason = (cause.strerror if isinstance(cause, OSError) else None) or str(error)
    if isinstance(cause, OSError):
        remedy = remedy.replace(_FREE_SPACE, _REMEDIES.get(cause.errno or 0, _FREE_SPACE))
    return WriteError(f"{path}: could not be written ({reason}); {remedy}")


def _flush_folder(folder: Path) -> None:
    """Flush a folder, and thus renames in it, to disk; do nothing if the file system does not support it."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_json_lines(path: Path, fields: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the JSON objects of a log with one object per line; the list is empty if the file is missing.

    A line is damaged unless it is an object with at least the keys ``fields``. A damaged last line, such as after a
    crash, is ignored. Raises :class:`DamagedLine` for any other damaged line.
    """
    lines = path.read_bytes().splitlines() if path.exists() else []
    objects = []
    for number, line in enumerate(lines, start=1):
        try:
            parsed = json.loads(line)
            if not (isinstance(parsed, dict) and set(fields) <= parsed.keys()):
                raise ValueError(f"not an object with {', '.join(fields)}" if fields else "not an object")
        except ValueError as error:  # the base of JSONDecodeError and UnicodeDecodeError
            if number < len(lines):
                raise DamagedLine(
                    f"{path}, line {number}: damaged ({error}); delete this line; only its values are lost"
                ) from None
        else:
            objects.append(parsed)
    return objects


@cache
def source_digest(folder: Path) -> str:
    """Return a digest of the Python source in ``folder``, which changes with the code."""
    sha = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        sha.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return sha.hexdigest()
