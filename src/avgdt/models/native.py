"""Just-in-time compilation of the package's C++ functions with the C++ compiler of the machine.

The environment variables ``CXX`` and ``CXXFLAGS`` set the compiler (``c++`` by default) and further options.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

FLAGS = ("-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fopenmp", "-shared", "-fPIC")
"""Compiler options. ``-ffast-math`` is omitted because it preserves neither NaN nor the order of operations."""


@cache
def library(name: str) -> ctypes.CDLL | None:
    """Load the functions of ``name.cpp`` in this folder, compiled for this processor.

    The library is kept in ``avgdt/`` in the user's cache folder (``XDG_CACHE_HOME``, or ``~/.cache``), or, if that is
    not possible, only for this process. Returns None on systems other than Linux, if there is no C++ compiler (or
    ``CXX`` is empty), or if the compilation fails.
    """
    compiler = shlex.split(os.environ.get("CXX", "c++"))
    if sys.platform != "linux" or not compiler or shutil.which(compiler[0]) is None:
        return None
    source = Path(__file__).with_name(f"{name}.cpp")
    with suppress(OSError, RuntimeError, subprocess.SubprocessError):
        return _load(source, _cache_folder(), compiler)
    with suppress(OSError, subprocess.SubprocessError), tempfile.TemporaryDirectory() as folder:
        return _load(source, Path(folder), compiler)
    return None


def _load(source: Path, folder: Path, compiler: Sequence[str]) -> ctypes.CDLL:
    """Load the library of ``source`` from ``folder``, compiling it if necessary.

    Raises ``OSError`` if the folder or the library is unusable, and ``subprocess.SubprocessError`` if the compiler
    fails.
    """
    path = folder / f"{source.stem}-{_fingerprint(source, compiler)}.so"
    if path.exists() and _is_private(path):
        with suppress(OSError):  # a damaged library is compiled again
            return ctypes.CDLL(str(path))
    handle, written = tempfile.mkstemp(dir=folder, suffix=".part")
    os.close(handle)
    try:
        command = [*compiler, *_flags(), str(source), *map(str, _openmp()), "-o", written]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        os.chmod(written, 0o700)
        os.replace(written, path)  # other processes see a complete library or none
    finally:
        Path(written).unlink(missing_ok=True)
    return ctypes.CDLL(str(path))


def _flags() -> list[str]:
    return [*FLAGS, *shlex.split(os.environ.get("CXXFLAGS", ""))]


def _cache_folder() -> Path:
    """Return the folder of compiled libraries, which is created if it does not exist.

    Raises ``OSError`` if it cannot be created or if other users can write to it, and ``RuntimeError`` if the user has
    no home folder.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    folder = (base if base.is_absolute() else Path.home() / ".cache") / "avgdt"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_private(folder):
        raise PermissionError(f"{folder}: is not a private folder of this user")
    return folder


def _is_private(path: Path) -> bool:
    """Return whether ``path`` belongs to this user and no other user can write to it."""
    status = path.stat()
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def _openmp() -> list[Path]:
    """Return the path of PyTorch's GNU OpenMP library. Libraries that link to it share PyTorch's threads."""
    return sorted((Path(torch.__file__).parent / "lib").glob("libgomp*.so*"))[:1]


def _fingerprint(source: Path, compiler: Sequence[str]) -> str:
    """Return a hash of everything that determines the library: source, options, compiler, PyTorch and processor."""
    version = subprocess.run([*compiler, "--version"], check=True, capture_output=True, timeout=30).stdout
    texts = (" ".join([*compiler, *_flags()]), torch.__version__, _processor())
    return hashlib.sha256(b"\0".join([source.read_bytes(), version, *map(str.encode, texts)])).hexdigest()[:16]


def _processor() -> str:
    """Return the model and the instruction sets of this processor, on which ``-march=native`` depends."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = [line for line in lines if line.startswith(("model name", "flags", "Features"))]
    return "\n".join([platform.machine(), *sorted(set(named))])
