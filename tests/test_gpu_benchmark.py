"""Test of ``benchmarks/gpu.sh --small`` on the CPU, where only torch and NumPy can be imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OTHERS = ("av", "tyro", "yaml", "rich", "safetensors", "sklearn", "jinja2", "PIL")


@pytest.mark.slow
def test_the_benchmark_needs_only_torch_and_numpy(tmp_path: Path) -> None:
    wheels, out = tmp_path / "wheels", tmp_path / "out"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "others.whl", "w") as wheel:
        for name in OTHERS:
            wheel.writestr(f"{name}.py", f"raise ImportError({name!r})")
    environment = {"PYTHON": sys.executable, "OUT": str(out), "WHEELS": str(wheels), "OMP_NUM_THREADS": "1"}
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | environment
    command = ["sh", str(ROOT / "benchmarks" / "gpu.sh"), "--small"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    records = [json.loads(line) for line in (out / "gpu.jsonl").read_text().splitlines()]
    sections = list(dict.fromkeys(record["section"] for record in records))
    assert sections == [
        "machine",
        "agreement with the CPU",
        "matrix multiplication",
        "training step",
        "slowest kernels",
    ]
    assert all(record["agrees"] for record in records if record["section"] == "agreement with the CPU")
    steps = [record for record in records if record["section"] == "training step"]
    assert [(step["batch"], step["compiled"]) for step in steps] == [(2, False), (4, False), (2, True)]
    assert all(0 < step["share"] < 1 for step in steps)
    page = (out / "gpu.md").read_text()
    assert all(f"## {section}\n" in page for section in sections)
    assert "clips_per_second" in page
