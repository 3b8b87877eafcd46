"""Benchmark of a training step of the video encoder in fp32 and bf16, contiguous and channels-last.

    python benchmarks/encoder_step.py --width 16 --blocks 1 1 1 1 --clip 8 56 56 --batch 16 --threads 1

With one thread and a batch below 16, PyTorch computes some convolutions without oneDNN: use a larger batch. A processor
with AVX2 alone can be simulated on a newer one with ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from avgdt.models.precision import resolve_device, resolve_precision
from avgdt.models.r2plus1d import R2Plus1D

FORMATS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last_3d}


def step_seconds(
    encoder: R2Plus1D, clip: torch.Tensor, dtype: torch.dtype, memory_format: torch.memory_format, steps: int
) -> float:
    """Return the median duration of a forward and backward pass, in seconds, after one pass as warm-up."""
    encoder.to(memory_format=memory_format)  # type: ignore[call-overload]
    clip = clip.contiguous(memory_format=memory_format)
    device = clip.device
    seconds = []
    for _ in range(steps + 1):
        start = time.perf_counter()
        with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
            loss = encoder(clip).float().square().mean()
        loss.backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def main() -> None:
    """Time all combinations of precision and memory format, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--blocks", type=int, nargs=4, default=(1, 1, 1, 1))
    parser.add_argument("--clip", type=int, nargs=3, default=(8, 56, 56), metavar=("TIME", "HEIGHT", "WIDTH"))
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="number of threads; 0: the default of PyTorch")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precisions", nargs="+", choices=["fp32", "bf16"], default=["fp32", "bf16"])
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    device = resolve_device(args.device)
    torch.manual_seed(0)
    encoder = R2Plus1D(args.blocks, args.width).to(device)
    clip = torch.randn(args.batch, 3, *args.clip, device=device)
    hardware = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    print(f"{hardware}, {torch.get_num_threads()} threads, torch {torch.__version__}, width {args.width}, "
          f"blocks {tuple(args.blocks)}, batch {args.batch} x {tuple(args.clip)}; auto: "
          f"{resolve_precision('auto', device).name}")  # fmt: skip
    base = None
    for precision in args.precisions:
        dtype = resolve_precision(precision, device).dtype
        for name, memory_format in FORMATS.items():
            seconds = step_seconds(encoder, clip, dtype, memory_format, args.steps)
            base = base or seconds
            print(f"{precision}  {name:13}  {seconds * 1e3:9.1f} ms  {base / seconds:6.2f} x", flush=True)


if __name__ == "__main__":
    main()
