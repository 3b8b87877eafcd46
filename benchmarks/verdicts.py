"""Test of the verdict on ten runs that are broken in five ways and on ten healthy runs, with the demo's recordings.

    OMP_NUM_THREADS=1 python benchmarks/verdicts.py --data runs/world/manifest.csv --out runs/verdicts --seeds 0 1

The script prints the verdict at 20 % of each run and at its end, and whether the final verdict is right: a broken run
must be recognised, and the verdict on a healthy run must be healthy or plateau. The same command resumes an interrupted
benchmark: it skips complete runs in --out and resumes interrupted ones. --table prints the table of the runs so
far.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import dataclass
from pathlib import Path

import av

from avgdt.cli.main import main as avgdt
from avgdt.data.manifest import Entry, read_manifest, write_manifest
from avgdt.data.scan import scan_missing
from avgdt.evaluation.verdict import verdict
from avgdt.files import read_json_lines
from avgdt.recipes.config import read_yaml

HEALTHY = ("healthy", "plateau")
HELD_OUT = 40
"""Number of held-out recordings; measurements on all 96 recordings would take longer than training."""


@dataclass(frozen=True)
class Case:
    """Kind of run, and the correct verdicts for it."""

    name: str
    options: str
    right: tuple[str, ...]
    epochs: int
    recordings: int = 384
    """Number of training recordings."""
    permuted: bool = False
    """Whether each video has the audio of another recording."""


BROKEN = (
    Case("lr 0.3", "demo --optimiser.lr 0.3", ("collapse", "diverging"), 5),
    Case(
        "bank 384, momentum 0.5", "demo-bank --objective.bank 384 --objective.momentum 0.5", ("bank shortcut",), 10, 96
    ),
    Case(
        "batches of 4 in one key group, bank 64",
        "demo-bank --composition modality --run.batch 4 --objective.key-groups 1 --objective.bank 64",
        ("batch-norm leak", "bank shortcut"),  # small batches make both causes likely, and they may occur together
        5,
        96,
    ),
    Case("24 recordings", "demo", ("overfitting",), 100, 24),
    Case("audio permuted", "demo --run.batch 6", ("no signal",), 7, permuted=True),
)
UNBROKEN = (
    Case("demo", "demo", HEALTHY, 5),
    Case("demo-bank, one key group", "demo-bank --objective.key-groups 1", HEALTHY, 5),
    Case("demo, keys detached", "demo --objective.detach-keys", HEALTHY, 5),
    Case("demo, temperature 0.2", "demo --objective.temperature 0.2", HEALTHY, 5),
    Case("demo, twice as long", "demo", HEALTHY, 10),
)


def manifests(data: Path, out: Path) -> dict[tuple[int, bool], Path]:
    """Return the inspected manifest of each set of recordings; permuted recordings are written into ``out``."""
    sets = {(case.recordings, case.permuted) for case in (*BROKEN, *UNBROKEN)}
    paths = {
        (count, permuted): out / f"{'permuted' if permuted else 'recordings'}-{count}.csv" for count, permuted in sets
    }
    if not all(path.exists() for path in paths.values()):
        used = [entry for entry in read_manifest(data) if entry.extra["split"] in ("train", "val")]
        entries = {False: scan_missing(used, 1), True: scan_missing(_permuted(used, out / "permuted"), 1)}
        for (count, permuted), path in paths.items():
            train = [entry for entry in entries[permuted] if entry.extra["split"] == "train"]
            val = [entry for entry in entries[permuted] if entry.extra["split"] == "val"]
            write_manifest(random.Random(0).sample(train, count) + val, path)
    return paths


def _permuted(entries: list[Entry], folder: Path) -> list[Entry]:
    """Copy the recordings into ``folder``, each video with the audio of another recording."""
    folder.mkdir(exist_ok=True)
    copies = []
    for entry, other in zip(entries, random.Random(0).sample(entries, len(entries)), strict=True):
        copies.append(Entry(folder / entry.path.name, extra=entry.extra))
        if not copies[-1].path.exists():
            _join(entry.path, other.path, copies[-1].path)
    return copies


def _join(video: Path, audio: Path, target: Path) -> None:
    """Write ``target`` with the video of one file and the audio of another."""
    part = target.with_name(f"part-{target.name}")
    with av.open(video) as videos, av.open(audio) as audios, av.open(part, "w") as joined:
        sources = ((videos, videos.streams.video[0]), (audios, audios.streams.audio[0]))
        copies = [(file, stream, joined.add_stream_from_template(stream)) for file, stream in sources]
        for file, stream, copy in copies:
            for packet in file.demux(stream):
                if packet.dts is not None:
                    packet.stream = copy
                    joined.mux(packet)
    part.rename(target)


def folder_of(case: Case, seed: int, out: Path) -> Path:
    """Return the folder of a run."""
    return out / f"{case.name}-{seed}".replace(" ", "-").replace(",", "")


def train(case: Case, seed: int, data: Path, out: Path) -> None:
    """Train the run to its end, unless it has already ended or failed."""
    folder = folder_of(case, seed, out)
    done = folder.with_name(folder.name + ".done")
    if done.exists():
        return
    if any(folder.glob("checkpoints/*")):
        arguments = ["--resume"]
    else:
        epochs = f"--run.monitor-epochs {max(1, case.epochs // 5)} --schedule.epochs {case.epochs}"
        data_options = (
            f"--data {data} --data.store {out / 'store'} --data.held-out-at-most {HELD_OUT} --run.seed {seed}"
        )
        arguments = [*case.options.split(), *epochs.split(), *data_options.split(), "--run.workers", "0"]
    started, cpu = time.monotonic(), time.process_time()
    code = avgdt(["pretrain", *arguments, "--out", str(folder)])
    if code not in (0, 2) or not (folder / "metrics.jsonl").exists():
        raise SystemExit(code)
    done.touch()  # exit code 2 means that the training diverged
    seconds = f"{time.monotonic() - started:.0f} s, {time.process_time() - cpu:.0f} s of CPU time"
    print(f"{folder.name}: exit code {code}, {seconds}", flush=True)


def row(case: Case, seed: int, out: Path) -> tuple[str, bool] | None:
    """Return the table row of a run and whether its final verdict is correct; return None for an incomplete run."""
    folder = folder_of(case, seed, out)
    if not folder.with_name(folder.name + ".done").exists():
        return None
    recipe, lines = read_yaml(folder / "config.yaml"), read_json_lines(folder / "metrics.jsonl")
    causes = []
    for fraction in (0.2, 1.0):
        so_far = [line for line in lines if line["epoch"] <= fraction * recipe.schedule.epochs + 1e-6]
        kinds = [[line for line in so_far if line["kind"] == kind] for kind in ("train", "heldout")]
        causes.append(verdict(recipe, kinds[0], kinds[1]).cause)
    right = causes[1] in case.right
    return f"| {case.name} | {seed} | {' | '.join(causes)} | {'right' if right else 'wrong'} |", right


def print_table(seeds: list[int], out: Path) -> None:
    """Print the table of all complete runs."""
    print("| run | seed | at 20 % | at the end | |\n| --- | --- | --- | --- | --- |")
    for name, cases in (("broken runs recognised", BROKEN), ("healthy runs without a false alarm", UNBROKEN)):
        rows = [result for case in cases for seed in seeds if (result := row(case, seed, out))]
        print("".join(f"{text}\n" for text, _ in rows), end="")
        print(f"| **{name}** | | | {sum(right for _, right in rows)} of {len(rows)} | |")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="manifest of the demo's recordings")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--only", default="", help="run only cases whose names contain this text")
    parser.add_argument("--table", action="store_true", help="print the table of the runs so far")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if not args.table:
        data = manifests(args.data, args.out)
        for seed in args.seeds:
            for pair in zip(BROKEN, UNBROKEN, strict=True):
                for case in pair:
                    if args.only in case.name:
                        train(case, seed, data[case.recordings, case.permuted], args.out)
    print_table(args.seeds, args.out)


if __name__ == "__main__":
    main()
