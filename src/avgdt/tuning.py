"""Tuning of OpenMP and glibc for training on a CPU, before PyTorch is loaded, with bit-identical results.

Threads: GNU OpenMP lets idle threads spin until the next parallel section. If another process, such as a decoding
worker, needs a core, a computing thread may then wait for a spinning one. With passive waiting, idle threads free the
core at once.

Memory: glibc requests every block above 32 MB from the system and returns it when it is freed. The pages of each large
activation are therefore cleared and faulted in again in every step. With these settings, glibc reuses the memory.

``AVGDT_TUNE=0`` turns off the tuning; environment variables of the libraries that are already set (``OMP_WAIT_POLICY``,
``MALLOC_...``) take precedence.
"""

from __future__ import annotations

import ctypes
import os
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # glibc's malloc.h


def tune_process() -> None:
    """Tune this process and its child processes; do nothing if PyTorch is already imported."""
    if os.environ.get("AVGDT_TUNE") == "0" or "torch" in sys.modules:
        return
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if _is_glibc() and not any(name.startswith("MALLOC_") for name in os.environ):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError):  # Windows, macOS, musl
        return False
