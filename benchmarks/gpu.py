"""Benchmark of training on a GPU: agreement with the CPU, matrix multiplication, training steps, slowest kernels.

    benchmarks/gpu.sh            (sets PYTHONPATH; --small is for a CPU)

The benchmark needs only torch and NumPy. Each measurement is immediately appended to OUT/gpu.jsonl, as a line with its
values or its error; OUT/gpu.md contains all measurements as tables. The exit code is 1 if a measurement fails or the
devices disagree.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from avgdt.tuning import tune_process

tune_process()  # must be called before torch is loaded

import torch
import torch.nn.functional as F
from training_step import random_batch, step_seconds

from avgdt.models.precision import Precision, resolve_device
from avgdt.recipes.named import named
from avgdt.recipes.proportions import in_proportion
from avgdt.recipes.recipe import Recipe
from avgdt.training.device_kinds import matrix_rate
from avgdt.training.learner import Learner
from avgdt.training.step import train_step
from avgdt.training.step_count import count_step

TOLERANCES = {"fp32": (1e-3, 1e-3, 1e-2), "bf16": (0.1, 0.1, 0.8)}
"""Maximum differences of embeddings, loss and gradient from fp32 on the CPU, by precision.

The differences are the maximum over all coordinates of the embeddings, which have unit length; the relative difference
of the loss; and the norm of the difference of the gradient of all parameters, relative to the norm of the gradient. For
bf16 on the CPU, the differences are 0.03, 0.003 and 0.57; a completely wrong gradient differs by 1 or more.
"""
TOP = 10

Record = dict[str, Any]


def precisions(device: torch.device) -> dict[str, Precision]:
    return {"fp32": Precision(device, torch.float32), "bf16": Precision(device, torch.bfloat16)}


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def bank_in_proportion(recipe_name: str, batch: int) -> Recipe:
    """Return a named recipe with this batch size, and the automatic bank size and momentum for a small data set."""
    recipe = named(recipe_name)
    recipe = replace(recipe, run=replace(recipe.run, batch=batch))
    return in_proportion(recipe, recordings=384, steps=1152)


def second_step(recipe_name: str, recordings: int, precision: Precision) -> dict[str, torch.Tensor]:
    """Return embeddings, loss and gradient of the second training step, which is the first with keys in the bank."""
    recipe = bank_in_proportion(recipe_name, recordings)
    learner = Learner(recipe, 1000, precision)
    batch = random_batch(recipe, recordings).to(precision.device)
    train_step(learner, [replace(batch, recordings=batch.recordings + recordings)])
    with torch.no_grad(), precision.autocast():
        embeddings = torch.cat(learner.phi(learner.views(batch), learner.modalities))
    result, _ = train_step(learner, [batch])
    gradient = torch.cat([p.grad.flatten() for p in learner.phi.parameters() if p.grad is not None])
    return {name: tensor.detach().float().cpu() for name, tensor in
            (("embeddings", embeddings), ("loss", result.loss), ("gradient", gradient))}  # fmt: skip


def agreement(recipe_name: str, recordings: int, device: torch.device) -> list[Record]:
    """Compare the second training step on the device, in each precision without TF32, with that on the CPU in fp32."""
    expected = second_step(recipe_name, recordings, Precision(torch.device("cpu"), torch.float32))
    records = []
    torch.backends.cudnn.allow_tf32 = False
    for name, precision in precisions(device).items():
        actual = second_step(recipe_name, recordings, precision)
        difference = {key: actual[key] - expected[key] for key in expected}
        values = (
            float(difference["embeddings"].abs().max()),
            float(difference["loss"].abs() / expected["loss"]),
            float(difference["gradient"].norm() / expected["gradient"].norm()),
        )
        agrees = all(value <= bound for value, bound in zip(values, TOLERANCES[name], strict=True))
        cosine = float(F.cosine_similarity(actual["gradient"], expected["gradient"], dim=0))
        records.append(
            {"recipe": recipe_name, "batch": recordings, "precision": name, "embeddings": values[0], "loss": values[1],
             "gradient": values[2], "gradient_cosine": cosine, "tolerances": TOLERANCES[name], "agrees": agrees}
        )  # fmt: skip
    torch.backends.cudnn.allow_tf32 = True
    return records


def matmul_rates(device: torch.device) -> list[Record]:
    """Return the FLOP/s of matrix multiplication in each precision; on a GPU, fp32 is also measured with TF32."""
    records = []
    for name, precision in precisions(device).items():
        records.append({"precision": name, "flops": matrix_rate(precision)})
        if name == "fp32" and device.type == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = True
            records.append({"precision": "tf32", "flops": matrix_rate(precision)})
            torch.backends.cuda.matmul.allow_tf32 = False
    return records


def training_step(
    recipe_name: str, recordings: int, device: torch.device, steps: int, compiled: bool, rate: float
) -> Record:
    """Measure whole training steps in bf16: clips per second, utilisation, and peak memory.

    ``share`` is the utilisation: the FLOP/s of the step, divided by ``rate``, the FLOP/s of matrix multiplication.
    Memory is that of the GPU or, on a CPU, of the whole process.
    """
    recipe = bank_in_proportion(recipe_name, recordings)
    count = count_step(recipe, recordings, "bf16")
    learner = Learner(recipe, 1000, precisions(device)["bf16"])
    if compiled:
        compile_encoders(learner)
    batch = random_batch(recipe, recordings).to(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    begun = time.perf_counter()
    step_seconds(learner, batch, 1, 0)
    first = time.perf_counter() - begun
    seconds = statistics.median(step_seconds(learner, batch, steps, 1))
    cuda = device.type == "cuda"
    return {
        "recipe": recipe_name,
        "batch": recordings,
        "compiled": compiled,
        "first_step_seconds": first,
        "step_seconds": seconds,
        "clips_per_second": recordings / seconds,
        "flops": count.flops,
        "share": count.flops / seconds / rate,
        "memory": torch.cuda.max_memory_allocated(device)
        if cuda
        else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "predicted_memory": count.memory,
    }


def compile_encoders(learner: Learner) -> None:
    """Compile the encoders of queries and keys in place.

    On a CPU, the backend "eager" is used, which needs no C++ compiler because it generates no code.
    """
    backend = "inductor" if learner.precision.device.type == "cuda" else "eager"
    momentum_encoder = [learner.key_encoder.phi] if learner.key_encoder else []
    for phi in (learner.phi, *momentum_encoder):
        for encoder in phi.encoders.values():
            encoder.compile(backend=backend)


def profile(recipe_name: str, recordings: int, device: torch.device) -> list[Record]:
    """Return the kernels (on a CPU, operators) that take the most time, with their time and calls per training step."""
    recipe = bank_in_proportion(recipe_name, recordings)
    learner = Learner(recipe, 1000, precisions(device)["bf16"])
    batch = random_batch(recipe, recordings).to(device)
    step_seconds(learner, batch, 0, 2)
    activities = [torch.profiler.ProfilerActivity.CPU]
    if device.type == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=activities) as profiler:
        step_seconds(learner, batch, 2, 0)
    cuda = device.type == "cuda"
    rows = [
        (event.key, event.self_device_time_total if cuda else event.self_cpu_time_total, event.count)
        for event in profiler.key_averages()
        if (event.device_type.name == "CUDA") == cuda and not event.is_user_annotation
    ]
    total = sum(time for _, time, _ in rows)
    top = sorted(rows, key=lambda row: -row[1])[:TOP]
    return [{"name": name[:100], "ms": time / 2000, "share": time / total, "calls": count // 2}
            for name, time, count in top]  # fmt: skip


class Report:
    """Runner of measurements, which writes all results as JSON lines and as Markdown after each measurement."""

    def __init__(self, out: Path, limit: float) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self._lines, self._page = out / "gpu.jsonl", out / "gpu.md"
        self._lines.write_text("")
        self._end = time.monotonic() + limit
        self._sections: dict[str, list[Record]] = {}
        self.failed = False

    def measure(self, section: str, call: Callable[[], list[Record] | Record]) -> list[Record]:
        """Run a measurement, write its records and return them; the list is empty after a failure or the time limit."""
        begun = time.monotonic()
        try:
            if begun > self._end:
                raise TimeoutError("skipped: the time limit is exceeded")
            records = call()
        except Exception as error:  # continue with the next measurement
            records = {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"}
            self.failed = True
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        records = [records] if isinstance(records, dict) else records
        self._sections.setdefault(section, []).extend(records)
        with self._lines.open("a") as file:
            for record in records:
                line = json.dumps({"section": section, **record, "seconds": round(time.monotonic() - begun, 1)})
                file.write(line + "\n")
                print(line, flush=True)
        self._page.write_text(self.markdown())
        return [record for record in records if "error" not in record]

    def markdown(self) -> str:
        text = []
        for section, records in self._sections.items():
            text += [f"## {section}", ""]
            for keys in dict.fromkeys(tuple(record) for record in records):  # errors have a separate table
                rows = [[_cell(record[key]) for key in keys] for record in records if tuple(record) == keys]
                text += [_row(keys), _row(["---"] * len(keys)), *map(_row, rows), ""]
        return "\n".join(text)


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")


def machine(device: torch.device) -> Record:
    cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if cuda else torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda or "none",
        "python": sys.version.split()[0],
        "threads": torch.get_num_threads(),
        "memory": torch.cuda.get_device_properties(device).total_memory if cuda else 0,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path())
    parser.add_argument("--small", action="store_true", help="use small networks and few steps, for a CPU")
    parser.add_argument("--seconds", type=float, default=300, help="time after which no measurement starts, in seconds")
    args = parser.parse_args()
    device = resolve_device("auto")
    recipe, batches, steps = ("demo-bank", (2, 4), 1) if args.small else ("paper", (16, 64), 10)
    report = Report(args.out, args.seconds)
    report.measure("machine", lambda: machine(device))
    agreed = report.measure("agreement with the CPU", lambda: agreement("demo-bank", 4 if args.small else 12, device))
    rates = report.measure("matrix multiplication", lambda: matmul_rates(device))
    rate = next((record["flops"] for record in rates if record["precision"] == "bf16"), float("nan"))

    def step(batch: int, compiled: bool) -> None:
        report.measure("training step", lambda: training_step(recipe, batch, device, steps, compiled, rate))

    for batch in batches:
        step(batch, compiled=False)
    report.measure("slowest kernels", lambda: profile(recipe, batches[0], device))
    for batch in batches[:1] if args.small else batches:
        step(batch, compiled=True)
    return int(report.failed or not all(record["agrees"] for record in agreed))


if __name__ == "__main__":
    raise SystemExit(main())
