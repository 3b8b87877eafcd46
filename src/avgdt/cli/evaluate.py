"""``avgdt evaluate``: measure what was learnt, always beside random weights."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import tyro
from rich.console import Console

from avgdt.cli.arguments import UsageError, parse, positional
from avgdt.cli.progress import counting
from avgdt.recipes.nearest import nearest

PROTOCOLS = {
    "linear": "logistic regression on frozen features of labelled files or segments",
    "knn": "nearest neighbours on the same features",
    "finetune": "train on with few or many labels, beside training from scratch",
    "retrieval": "find the sound by the picture and the picture by the sound",
    "reidentification": "find another moment of the same recording",
    "esc10": "ten kinds of sounds in five folds, by frozen features (ESC-50's folder, its ESC-10 part)",
    "esc50": "fifty kinds of sounds in five folds, by frozen features (ESC-50's folder)",
    "dcase2014": "ten acoustic scenes by frozen features (the folder of scenes_stereo and scenes_stereo_testset)",
}
"""Name and what it measures."""

T = TypeVar("T")


@dataclass(frozen=True)
class Evaluate(Generic[T]):
    """What every protocol needs, and the options of this one."""

    options: Annotated[T, tyro.conf.arg(name="")]
    weights: Path
    """A run folder or a weights file (safetensors)."""
    data: Path
    """A manifest (csv) with labels and splits, or a folder; esc10, esc50, dcase2014: that data set as distributed."""
    out: Path | None = None
    """Folder for results/PROTOCOL.json; else the run folder itself."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""


def run(arguments: Sequence[str]) -> None:
    """Read the command line, evaluate, print the table."""
    name, rest = positional(arguments)
    if name is None:
        if {"-h", "--help"} & set(rest):
            print("usage: avgdt evaluate PROTOCOL --weights RUN --data PATH [--out DIR] [options]\n")
            print("\n".join(f"  {protocol:<17} {what}" for protocol, what in PROTOCOLS.items()))
            print("\navgdt evaluate PROTOCOL --help tells the options of each.")
            sys.exit(0)
        raise UsageError(f"which protocol? one of {', '.join(PROTOCOLS)}")
    if name not in PROTOCOLS:
        raise UsageError(f"protocol {name!r} is unknown; {nearest(name, PROTOCOLS)}")
    kind = _protocol(name)
    options = parse(Evaluate[kind], rest, f"evaluate {name}", PROTOCOLS[name])  # type: ignore[valid-type]
    evaluate_with_progress(options.options, options.weights, options.data, options.out, options.device)


def evaluate_with_progress(
    options: Any, weights: Path, data: Path, out: Path | None = None, device: str = "auto"
) -> dict[str, Any]:
    """Evaluate with a progress bar, print the table, return the result."""
    from avgdt.evaluation.evaluate import evaluate
    from avgdt.evaluation.tables import result_table

    if out is None:
        out = weights if weights.is_dir() else weights.parent
    with counting("looking at files") as scanned, counting(f"evaluating {options.protocol}") as progress:
        result, path = evaluate(options, weights, data, out, device, scanned, progress)
    Console().print(result_table(result))
    print(f"wrote {path}")
    return result


def _protocol(name: str) -> Any:
    from avgdt.evaluation.protocols.dcase2014 import Dcase2014
    from avgdt.evaluation.protocols.esc10 import Esc10
    from avgdt.evaluation.protocols.esc50 import Esc50
    from avgdt.evaluation.protocols.finetune import Finetune
    from avgdt.evaluation.protocols.knn import Knn
    from avgdt.evaluation.protocols.linear import Linear
    from avgdt.evaluation.protocols.reidentification import Reidentification
    from avgdt.evaluation.protocols.retrieval import Retrieval

    kinds = (Linear, Knn, Finetune, Retrieval, Reidentification, Esc10, Esc50, Dcase2014)
    return {kind.protocol: kind for kind in kinds}[name]
