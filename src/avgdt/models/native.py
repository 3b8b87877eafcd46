"""Compilation of the package's C++ functions with the compiler of the machine, once per machine and version.

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
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

FLAGS = ("-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fopenmp", "-shared", "-fPIC")
"""Options of the compiler. Without ``-ffast-math``, it preserves NaN and the order of operations."""


@cache
def library(name: str) -> ctypes.CDLL | None:
    """Load the functions of ``name.cpp`` in this folder, compiled for this processor.

    The library is kept in ``avgdt/`` in the user's cache folder (``XDG_CACHE_HOME``, or ``~/.cache``). Returns None on
    systems other than Linux, if there is no C++ compiler, if the compilation fails, or if ``CXX`` is empty.
    """
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if sys.platform != "linux" or compiler is None:
        return None
    source = Path(__file__).with_name(f"{name}.cpp")
    try:
        with tempfile.TemporaryDirectory() as temporary:
            for folder in (*_cache_folder(), Path(temporary)):
                if (loaded := _load(source, folder, compiler)) is not None:
                    return loaded
    except (OSError, subprocess.SubprocessError):
        pass
    return None


def _load(source: Path, folder: Path, compiler: str) -> ctypes.CDLL | None:
    """Load the library of ``source`` from ``folder``, compiling it if necessary; None if the folder is unusable.

    Raises ``OSError`` or ``subprocess.SubprocessError`` if the compiler fails.
    """
    path = folder / f"{source.stem}-{_fingerprint(source, compiler)}.so"
    if path.exists():
        with suppress(OSError):  # a damaged library is compiled again
            return ctypes.CDLL(str(path))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, written = tempfile.mkstemp(dir=folder, suffix=".part")
    except OSError:
        return None
    os.close(handle)
    try:
        command = [compiler, *_flags(), str(source), *map(str, _openmp()), "-o", written]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        os.replace(written, path)  # other processes see a complete library or none
    finally:
        Path(written).unlink(missing_ok=True)
    return ctypes.CDLL(str(path))


def _flags() -> list[str]:
    return [*FLAGS, *shlex.split(os.environ.get("CXXFLAGS", ""))]


def _cache_folder() -> list[Path]:
    """Return the folder in which libraries are kept; no folder if the user has no home folder."""
    try:
        return [Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "avgdt"]
    except RuntimeError:
        return []


def _openmp() -> list[Path]:
    """Return PyTorch's own GNU OpenMP library, so that the process has a single pool of threads."""
    return sorted((Path(torch.__file__).parent / "lib").glob("libgomp*.so*"))[:1]


def _fingerprint(source: Path, compiler: str) -> str:
    """Return a hash of everything that determines the library: source, options, compiler, PyTorch and processor."""
    version = subprocess.run([compiler, "--version"], check=True, capture_output=True, timeout=30).stdout
    facts = (
        source.read_bytes(),
        " ".join(_flags()).encode(),
        version,
        torch.__version__.encode(),
        _processor().encode(),
    )
    return hashlib.sha256(b"\0".join(facts)).hexdigest()[:16]


def _processor() -> str:
    """Describe the instructions of this processor, since ``-march=native`` depends on them."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = [line for line in lines if line.startswith(("model name", "flags", "Features"))]
    return "\n".join([platform.machine(), *sorted(set(named))])
