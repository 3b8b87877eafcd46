"""Tests that the settings of the C libraries take effect and can be turned off."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# mallinfo2 counts blocks above glibc's threshold, which mmap allocates, separately from blocks of the heap.
CODE = """
import ctypes, os
from avgdt.tuning import tune_process
tune_process()
class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
                "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.mallinfo2.restype = Info
before = libc.mallinfo2().hblkhd
libc.malloc(64 << 20)
print(os.environ.get("OMP_WAIT_POLICY"), libc.mallinfo2().hblkhd - before >= 64 << 20)
"""


def outcome(**variables: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "OMP_", "AVGDT_"))}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env={**environment, **variables}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.skipif(
    not hasattr(os, "confstr") or "CS_GNU_LIBC_VERSION" not in os.confstr_names, reason="the C library is not glibc"
)
def test_large_blocks_stay_on_the_heap_and_threads_wait_passively() -> None:
    assert outcome() == "PASSIVE False"
    assert outcome(AVGDT_TUNE="0") == "None True"
    assert outcome(OMP_WAIT_POLICY="ACTIVE") == "ACTIVE False"
    assert outcome(MALLOC_ARENA_MAX="2") == "PASSIVE True"
