"""Fingerprints of files, used to detect changes: size, modification time and a digest of the content."""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

BLOCK = 2**16  # number of bytes read at the start and at the end of a file


@dataclass(frozen=True)
class Fingerprint:
    """Size, modification time and content digest of a file."""

    size: int
    """Size of the file, in bytes."""
    modified: int
    """Time of the last modification, in nanoseconds since 1970."""
    content: str
    """Digest (16 hexadecimal digits) of the size and of the first and last 64 KiB of the content."""


def fingerprint(path: Path) -> Fingerprint:
    """Return the fingerprint of a regular file; raise ``OSError`` if the file does not exist or cannot be read."""
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
    """Return the SHA-256 digest of a whole file; raise ``OSError`` if the file cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
