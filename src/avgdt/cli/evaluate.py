"""``avgdt evaluate``: compare pretrained weights with random weights in an evaluation protocol."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import tyro

from avgdt.cli.arguments import UsageError, parse, pop_option, positional
from avgdt.errors import suggestion
from avgdt.evaluation.protocols import protocol, protocols
from avgdt.progress import counting, output, report
from avgdt.report.formatting import printable
from avgdt.training.signals import advising

T = TypeVar("T")


@dataclass(frozen=True)
class Evaluate(Generic[T]):
    """Options of ``avgdt evaluate``: the common options, and the options of one protocol in ``options``."""

    options: Annotated[T, tyro.conf.arg(name="")]
    weights: Path
    """Run folder or weights file (safetensors)."""
    data: Path
    """Manifest (csv) with labels and splits, or a folder. For a protocol named after a data set: the folder of that
    data set as distributed."""
    out: Path | None = None
    """Folder in which results/PROTOCOL.json is written; by default, the folder of the weights."""
    device: str = "auto"
    """Device: auto, cpu, cuda or cuda:N."""


def run(arguments: Sequence[str]) -> None:
    """Parse the command line, evaluate the weights and print the table of results."""
    name, rest = positional(arguments)
    if name is None:
        if {"-h", "--help"} & set(rest):
            print("usage: avgdt evaluate PROTOCOL --weights RUN --data PATH [--out DIR] [options]\n")
            print("\n".join(f"  {name:<17} {kind.summary}" for name, kind in protocols().items()))
            print("\navgdt evaluate PROTOCOL --help lists the options of a protocol.")
            sys.exit(0)
        raise UsageError(f"PROTOCOL is missing; use one of {', '.join(protocols())}")
    kind: Any = protocol(name)
    default, rest = _default(kind, rest)
    options: Any = parse(Evaluate[kind], rest, f"evaluate {name}", kind.summary, default)

    def advice() -> str:
        from avgdt.training.provenance import own_command

        again = own_command("evaluate", *arguments)
        if "finetuning" in {field.name for field in fields(kind)} or getattr(options.options, "cache", False):
            return f"features, finished folds and finished epochs of finetuning are saved; resume with: {again}"
        return f"no result was written; restart with: {again}"

    with advising(advice):
        evaluate_with_progress(options.options, options.weights, options.data, options.out, options.device)


def evaluate_with_progress(
    options: Any, weights: Path, data: Path, out: Path | None = None, device: str = "auto", again: bool = True
) -> dict[str, Any]:
    """Evaluate the weights, print the table of results and return the result.

    The function shows a progress bar, and prints a line for each finished fold. If ``again`` is false, an existing
    result for the same weights, data and options is returned instead of a new one.
    """
    from avgdt.evaluation.evaluate import evaluate, stored_result
    from avgdt.evaluation.results import result_table

    if out is None:
        out = weights if weights.is_dir() else weights.parent
    if not again and (stored := stored_result(options, weights, data, out, device)) is not None:
        output().print(result_table(stored))
        return stored
    with counting("inspecting files", visible=False) as scanned, counting(f"evaluating {options.name}") as progress:
        result, path = evaluate(options, weights, data, out, device, scanned, progress, report)
    output().print(result_table(result))
    for note in result.get("notes", ()):
        print(printable(note))
    print(f"wrote {printable(path)}")
    return result


def _default(kind: Any, arguments: Sequence[str]) -> tuple[Any, list[str]]:
    """Return the default options that --setting selects, or None without it, and the remaining arguments."""
    from avgdt.recipes.finetuning import FINETUNINGS

    if "finetuning" not in {field.name for field in fields(kind)}:
        return None, list(arguments)
    setting, rest = pop_option(arguments, "--setting", "NAME")
    if setting is None:
        return None, rest
    if setting not in FINETUNINGS:
        raise UsageError(f"--setting {setting!r} is unknown; {suggestion(setting, FINETUNINGS)}")
    missing: Any = tyro.MISSING
    return Evaluate(kind(finetuning=FINETUNINGS[setting]()), weights=missing, data=missing), rest
