"""Fuzzer of scan, training clips and evaluation windows: results on damaged files are compared with a full decode.

    python benchmarks/fuzz.py --mutations 1000 --seed 0 [--data FOLDER ...]

Without --data, the fuzzer mutates files that it writes. It prints the number of mutations per verdict and the
memory use. It exits with 1 if a mutation leads to a wrong frame or sample, a crash or a hang, or if resident memory
grows by more than 256 MiB. With --keep FOLDER, files with the verdict wrong, crash or hang are copied to FOLDER.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from threading import Event, Timer

import numpy as np
from fuzz_files import mutate, write_files

SECONDS = 60.0  # time limit per file, in seconds
GROWTH_BYTES = 2**28  # maximum growth of resident memory in one process
MAX_BYTES = 2**24  # maximum size of the files to mutate; larger ones are skipped


class Checker:
    """Child process that decodes damaged files and checks the result; restarted after a crash or a timeout."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self.resident: list[int] = []
        self.peak = 0

    def verdict(self, path: Path, seed: int) -> str:
        """Return the verdict of the process on a file, or "crash" or "hang" if the process prints none."""
        if self._process is None:
            command = [sys.executable, str(Path(__file__).with_name("fuzz_judge.py"))]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
            )
            self.resident.clear()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        late = Event()

        def expire() -> None:
            late.set()
            process.kill()

        timer = Timer(SECONDS, expire)
        timer.start()
        try:
            process.stdin.write(json.dumps([str(path), seed]) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            timer.cancel()
        if not answer.endswith("\n"):
            process.wait()
            self._process = None
            return "hang" if late.is_set() else "crash"
        verdict, resident, peak = json.loads(answer)
        self.resident.append(resident)
        self.peak = max(self.peak, peak)
        return str(verdict)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def growth(self) -> int:
        """Growth of resident memory since the first ten files, in bytes."""
        return max(self.resident[-1] - max(self.resident[:10]), 0) if len(self.resident) > 10 else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--only", type=int, nargs="+", help="indices of the mutations to run, as printed; by default all"
    )
    parser.add_argument("--data", type=Path, nargs="+", help="folders or files to mutate")
    parser.add_argument("--files", type=int, help="number of files to write if --data is not given")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of the written files, in seconds")
    parser.add_argument("--keep", type=Path, help="folder for copies of the files that failed")
    options = parser.parse_args()
    checker, counts, growth = Checker(), Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        files = _files(options.data) if options.data else write_files(Path(folder), options.files, options.seconds)
        for index in options.only or range(options.mutations):
            rng = np.random.default_rng([options.seed, index])
            original = files[index % len(files)]
            kind, data = mutate(original.read_bytes(), rng)
            path = Path(folder, f"mutated_{index}")
            path.write_bytes(data)
            verdict = checker.verdict(path, index)
            counts[verdict.partition(":")[0] if verdict.startswith("wrong") else verdict] += 1
            growth = max(growth, checker.growth)
            if verdict.partition(":")[0] in ("wrong", "crash", "hang"):
                print(f"{index}: {original.name}, {kind}: {verdict}", flush=True)
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / f"{index}_{original.name}").write_bytes(data)
            path.unlink()
        checker.close()
    failed = sum(counts[name] for name in ("wrong", "crash", "hang"))
    for name in ("wrong", "crash", "hang"):
        counts.setdefault(name, 0)
    for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        print(f"{count:6}  {name}")
    print(f"{growth / 2**20:6.0f}  MiB growth of resident memory\n{checker.peak / 2**20:6.0f}  MiB peak memory")
    return 1 if failed or growth > GROWTH_BYTES else 0


def _files(data: list[Path]) -> list[Path]:
    paths = [path for source in data for path in (sorted(source.rglob("*")) if source.is_dir() else [source])]
    return [path for path in paths if path.is_file() and 0 < path.stat().st_size <= MAX_BYTES]


if __name__ == "__main__":
    sys.exit(main())
