"""``avgdt demo``: render the synthetic data set, pretrain on it, evaluate and write the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from avgdt.cli.arguments import UsageError, parse
from avgdt.cli.evaluate import evaluate_with_progress
from avgdt.cli.pretrain import pretrain_with_progress
from avgdt.cli.report import report_with_progress
from avgdt.progress import console, counting
from avgdt.recipes.named import named
from avgdt.training.signals import advising


@dataclass(frozen=True)
class Demo:
    """Options of ``avgdt demo``."""

    out: Path = Path("runs/demo")
    """Folder of the run. The synthetic data set is rendered once, into the folder world/ next to it."""
    seed: int = 0
    """Seed of pretraining and evaluation, including the random weights; the data set does not depend on it."""


def run(arguments: Sequence[str]) -> None:
    """Render the data set, pretrain, evaluate and write the report; complete steps are skipped."""
    description = "Render the synthetic data set, pretrain on it without labels, evaluate and write the report."
    options = parse(Demo, arguments, "demo", description)
    from avgdt.training.provenance import own_command

    with advising(lambda: f"finished steps are saved; continue with: {own_command('demo', *arguments)}"):
        _demo(options)


def _demo(options: Demo) -> None:
    from avgdt.evaluation.protocols.probe import Linear
    from avgdt.evaluation.protocols.retrieval import Retrieval
    from avgdt.synthetic.dataset import render_dataset
    from avgdt.training.checkpoints import Checkpoints
    from avgdt.training.errors import OtherRecipe
    from avgdt.training.pretrain import resumed_recipe
    from avgdt.training.provenance import option, own_command
    from avgdt.training.resuming import check_recipe, free_name

    recipe = named("demo")
    recipe = replace(recipe, run=replace(recipe.run, seed=options.seed))
    with counting("rendering") as rendered:
        manifest = render_dataset(options.out.parent / "world", progress=rendered)
    resume = bool(Checkpoints(options.out).paths())
    if resume:
        try:
            check_recipe(resumed_recipe(options.out), recipe, options.out)
        except OtherRecipe as error:
            other = own_command("demo", *option("--out", free_name(options.out)), "--seed", str(options.seed))
            raise UsageError(f"{error.what}; use another folder for seed {options.seed}: {other}") from None
    pretrain_with_progress(recipe, manifest, options.out, resume)
    for protocol in (Linear(seed=options.seed), Retrieval(aligned=True, seed=options.seed)):
        evaluate_with_progress(protocol, options.out, manifest, again=False)
    console.print(f"open {report_with_progress(options.out).resolve()}")
