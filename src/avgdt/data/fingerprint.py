"""Fingerprints by which changed files are recognised: size, modification time and a digest of the content."""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

BLOCK = 2**16  # bytes read at each end of the file


@dataclass(frozen=True)
class Fingerprint:
    """Size, modification time and content digest of a file at one moment."""

    size: int
    """Bytes."""
    modified: int
    """Time of the last modification in nanoseconds since 1970."""
    content: str
    """Digest (16 hexadecimal digits) of the size and of the first and last 64 KiB; independent of the path."""


def fingerprint(path: Path) -> Fingerprint:
    """The fingerprint of a regular file; raises ``OSError`` if it does not exist or cannot be read."""
    if not path.is_file():  # opening a named pipe would wait for a writer
        raise FileNotFoundError(errno.ENOENT, "not a regular file", path)
    with path.open("rb") as file:
        state = os.fstat(file.fileno())
        digest = hashlib.sha256(str(state.st_size).encode())
        digest.update(file.read(BLOCK))
        file.seek(max(state.st_size - BLOCK, 0))
        digest.update(file.read(BLOCK))
    return Fingerprint(state.st_size, state.st_mtime_ns, digest.hexdigest()[:16])


def whole_content(path: Path) -> bytes:
    """SHA-256 digest of a whole file; raises ``OSError`` where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
