"""``avgdt demo``: watch a network learn from a little world, and open a page that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from avgdt.cli.arguments import UsageError, parse
from avgdt.cli.evaluate import evaluate_with_progress
from avgdt.cli.pretrain import pretrain_with_progress
from avgdt.cli.progress import console, counting
from avgdt.recipes.named import named
from avgdt.training.signals import advising


@dataclass(frozen=True)
class Demo:
    """Where the demonstration goes."""

    out: Path = Path("runs/demo")
    """Folder of the run; the recordings lie beside it in world/ and are made once."""
    seed: int = 0
    """Seed of the networks, the learning and the random weights beside them; the world stays the same."""


def run(arguments: Sequence[str]) -> None:
    """Render the world, pretrain, evaluate, report; what an earlier call did is not done again."""
    options = parse(Demo, arguments, "demo", "Render a little world, learn from it without labels, measure, report.")
    from avgdt.training.provenance import own_command

    with advising(lambda: f"what is done is kept; go on with: {own_command('demo', *arguments)}"):
        _demo(options)


def _demo(options: Demo) -> None:
    from avgdt.evaluation.protocols.probe import Linear
    from avgdt.evaluation.protocols.retrieval import Retrieval
    from avgdt.report.page import write_report
    from avgdt.synthetic.world import render_world
    from avgdt.training.errors import OtherRecipe
    from avgdt.training.kept_checkpoints import Checkpoints
    from avgdt.training.pretrain import resumed_recipe
    from avgdt.training.provenance import option, own_command
    from avgdt.training.resuming import check_recipe, free_name

    recipe = named("demo")
    recipe = replace(recipe, run=replace(recipe.run, seed=options.seed))
    with counting("rendering the world") as rendered:
        manifest = render_world(options.out.parent / "world", progress=rendered)
    resume = bool(Checkpoints(options.out).paths())
    if resume:
        try:
            check_recipe(resumed_recipe(options.out), recipe, options.out)
        except OtherRecipe as error:
            other = own_command("demo", *option("--out", free_name(options.out)), "--seed", str(options.seed))
            raise UsageError(f"{error.what}; the demo of seed {options.seed} goes to another folder: {other}") from None
    pretrain_with_progress(recipe, manifest, options.out, resume)
    for protocol in (Linear(seed=options.seed), Retrieval(aligned=True, seed=options.seed)):
        evaluate_with_progress(protocol, options.out, manifest, again=False)
    with counting("writing the report") as written:
        page = write_report(options.out, written)
    console.print(f"open {page.resolve()}")
