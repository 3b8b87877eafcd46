"""Is the verdict on a run right? Ten runs broken in five ways and ten healthy ones, on the demo's recordings.

    python benchmarks/verdicts.py --data runs/world/manifest.csv --out runs/verdicts --seeds 0 1

Prints the verdict at 20 % of each run and at its end, and whether it is right. Runs that are complete in --out are not
trained again, and an interrupted one is resumed, so the same command continues and prints the table at any time.
Broken runs must be recognised at the end (a healthy run that is still on the plateau is no false alarm).
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import av

from avgdt.data.manifest import Entry, read_manifest, write_manifest
from avgdt.data.scan import scan_missing

EPOCHS = 10
"""Epochs of 384 recordings: about a minute of one core."""
FEW = 24
"""Training recordings of the runs that overfit."""


@dataclass(frozen=True)
class Case:
    """A way to train, and the causes that are right for it."""

    name: str
    options: str
    right: tuple[str, ...]
    data: str = "all"
    """all recordings, few for training, or all with the audio of another recording."""
    epochs: int = EPOCHS


HEALTHY = ("healthy", "plateau")
BROKEN = (
    Case("pairs permuted", "demo", ("no signal",), "permuted"),
    Case("learning rate 0.3", "demo --optimiser.lr 0.3", ("collapse", "diverging"), epochs=5),
    Case(
        "batches of 4, one key group",
        "demo-bank --composition modality --run.batch 4 --objective.key-groups 1 --objective.bank 128",
        ("batch-norm leak",),
    ),
    Case("momentum 0.5, bank of 384", "demo-bank --objective.bank 384 --objective.momentum 0.5", ("bank shortcut",)),
    Case(f"{FEW} recordings", "demo", ("overfitting",), "few", epochs=EPOCHS * 384 // FEW),
)
SOUND = (
    Case("demo", "demo", HEALTHY),
    Case("demo, longer", "demo", HEALTHY, epochs=15),
    Case("demo, keys detached", "demo --objective.detach-keys", HEALTHY),
    Case("demo, temperature 0.2", "demo --objective.temperature 0.2", HEALTHY),
    Case("demo-bank, one key group", "demo-bank --objective.key-groups 1", HEALTHY),
)


def manifests(data: Path, out: Path) -> dict[str, Path]:
    """The inspected manifests of the cases by name; recordings with permuted audio are written into ``out``."""
    paths = {name: out / f"{name}.csv" for name in ("all", "few", "permuted")}
    if all(path.exists() for path in paths.values()):
        return paths
    folder = out / "permuted"
    folder.mkdir(exist_ok=True)
    entries = [entry for entry in scan_missing(read_manifest(data), 1) if entry.extra["split"] in ("train", "val")]
    train = [entry for entry in entries if entry.extra["split"] == "train"]
    few = random.Random(0).sample(train, FEW)
    permuted = list[Entry]()
    for video, audio in zip(entries, random.Random(0).sample(entries, len(entries)), strict=True):
        permuted.append(Entry(folder / video.path.name, extra=video.extra))
        if not permuted[-1].path.exists():
            _join(video.path, audio.path, permuted[-1].path)
    write_manifest(entries, paths["all"])
    write_manifest([entry for entry in entries if entry not in train or entry in few], paths["few"])
    write_manifest(scan_missing(permuted, 1), paths["permuted"])
    return paths


def _join(video: Path, audio: Path, target: Path) -> None:
    """Copy the video of one file and the audio of another into ``target``."""
    part = target.with_name(f"part-{target.name}")
    with av.open(video) as one, av.open(audio) as other, av.open(part, "w") as joined:
        sources = ((one, one.streams.video[0]), (other, other.streams.audio[0]))
        streams = [(file, stream, joined.add_stream_from_template(stream)) for file, stream in sources]
        for file, stream, copy in streams:
            for packet in file.demux(stream):
                if packet.dts is not None:
                    packet.stream = copy
                    joined.mux(packet)
    part.rename(target)


def train(case: Case, seed: int, data: Path, out: Path) -> Path:
    """The folder of the run, trained to the end unless it was before."""
    folder = out / f"{case.name}-{seed}".replace(" ", "-").replace(",", "")
    done = folder.with_name(folder.name + ".done")
    if done.exists():
        return folder
    if any(folder.glob("checkpoints/*")):
        arguments = ["--resume"]
    else:
        every = f"--run.monitor-epochs {max(1, case.epochs // 5)} --schedule.epochs {case.epochs}"
        once = f"--data {data} --data.store {out / 'store'} --run.seed {seed} --run.workers 0"
        arguments = [*case.options.split(), *every.split(), *once.split()]
    started = time.monotonic()
    command = [sys.executable, "-m", "avgdt", "pretrain", *arguments, "--out", str(folder)]
    with (out / f"{folder.name}.log").open("w") as log:
        code = subprocess.run(command, stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"}).returncode
    print(f"{folder.name}: exit code {code}, {time.monotonic() - started:.0f} s", flush=True)
    done.touch()
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="manifest of the demo's recordings")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--only", default="", help="cases whose names contain this")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    data = manifests(args.data, args.out)
    for seed in args.seeds:
        for case in (*BROKEN, *SOUND):
            if args.only in case.name:
                train(case, seed, data[case.data], args.out)


if __name__ == "__main__":
    main()
