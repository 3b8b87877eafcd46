"""``avgdt pretrain``: learn from recordings without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from avgdt.cli.arguments import parse, taken
from avgdt.cli.progress import bar, console
from avgdt.cli.recipe import chosen_recipe, recipe_of_help
from avgdt.recipes.named import RECIPES
from avgdt.recipes.recipe import Recipe
from avgdt.training.signals import advising

if TYPE_CHECKING:
    from avgdt.data.collection import Collection
    from avgdt.training.learner import Learner

USAGE = f"""Learn from recordings without labels: avgdt pretrain RECIPE --data PATH --out RUN [--any.field value].

RECIPE is one of {", ".join(RECIPES)}; --config FILE.yaml takes its place. --composition NAME sets its time shift
and reversal; `avgdt recipes` lists the names. Ctrl-C saves; --resume goes on exactly."""


@dataclass(frozen=True)
class Pretrain:
    """What, where, and every field of the recipe."""

    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    out: Path
    """Folder of the run: config.yaml, metrics.jsonl, checkpoints, weights.safetensors, skipped.csv."""
    data: Path | None = None
    """Folder of recordings (looked through by content), or a manifest (csv). With --resume: where they lie now, if
    they were moved."""
    resume: bool = False
    """Go on with the run in --out; RECIPE and --data are then not needed. Fields of run (but batch and seed),
    optimiser.lr, optimiser.weight_decay, data.failing_at_most and, unless the shape is cosine, schedule.epochs and
    schedule.steps may change."""
    step: int | None = None
    """With --resume: go back to the checkpoint of this step (run.checkpoints are kept); newer ones are deleted."""
    weights: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """Run folder or weights file (safetensors) with the same networks, from which a new run starts."""


def run(arguments: Sequence[str]) -> None:
    """Read the command line and pretrain with a progress bar."""
    recipe, rest = _recipe(arguments)
    options = parse(Pretrain, rest, "pretrain", USAGE, Pretrain(recipe, tyro.MISSING))

    def advice() -> str:
        from avgdt.training.kept_checkpoints import Checkpoints
        from avgdt.training.provenance import option, own_command

        if Checkpoints(options.out).paths():
            go_on = own_command("pretrain", "--resume", *option("--out", options.out))
            return f"the state is saved; go on with: {go_on}"
        return f"nothing was trained yet; start again with: {own_command('pretrain', *arguments)}"

    with advising(advice):
        pretrain_with_progress(options.recipe, options.data, options.out, options.resume, options.weights, options.step)


def pretrain_with_progress(
    recipe: Recipe,
    data: Path | None,
    out: Path,
    resume: bool = False,
    weights: Path | None = None,
    step: int | None = None,
) -> None:
    """Pretrain, telling on the terminal how it goes."""
    from avgdt.data.collection import rows_of_files
    from avgdt.data.rows import counted
    from avgdt.evaluation.held_out import monitors
    from avgdt.training.pretrain import describe_device, pretrain

    with bar() as progress:
        looking = progress.add_task("looking at files", total=None, note="", visible=False)
        task = progress.add_task("learning", total=None, note="", visible=False)

        def begun(learner: Learner, collection: Collection, steps: int) -> None:
            console.print(recipe.title)
            console.print(
                f"{rows_of_files(collection.learn)} to learn from, {len(collection.held_out)} held out, "
                f"{len(collection.left_out)} left out (see {out / 'skipped.csv'}); {describe_device(learner)}"
            )
            if collection.repeated:
                told = "row repeats" if collection.repeated == 1 else "rows repeat"
                console.print(f"{collection.repeated} {told} another (the same file and segment): used once")
            if others := collection.other_splits:
                told = "row is of another split" if len(others) == 1 else "rows are of other splits"
                console.print(f"{len(others)} {told} ({counted(others)}): not used")
            progress.update(task, total=steps, completed=learner.step, visible=True)

        def logged(metrics: dict[str, Any]) -> None:
            if metrics["kind"] == "train":
                note = f"loss {metrics['loss']:.2f}, re-identified {metrics['accuracy']:.0%}"
                progress.update(task, completed=metrics["step"], note=note)
            else:
                there, back = metrics["video_to_audio"], metrics["audio_to_video"]
                console.print(
                    f"epoch {metrics['epoch']:.0f}: of {there['gallery']} held-out recordings found by the other "
                    f"modality at rank 1: {there['r1']:.0%} and {back['r1']:.0%}, to rank 10: {there['r10']:.0%} and "
                    f"{back['r10']:.0%}"
                )

        def scanned(done: int, of: int) -> None:
            progress.update(looking, completed=done, total=of, visible=done < of)

        file = pretrain(recipe, data, out, resume, monitors, scanned, begun, logged, console.print, weights, step)
    console.print(f"wrote {file}")


def _recipe(arguments: Sequence[str]) -> tuple[Recipe, list[str]]:
    """The recipe that the rest of the command line changes."""
    recipe, rest = chosen_recipe(arguments)
    if recipe is not None:
        return recipe, rest
    out, _ = taken(rest, "--out", "RUN")
    if "--resume" in rest and out is not None:
        from avgdt.training.pretrain import resumed_recipe

        return resumed_recipe(Path(out)), rest
    return recipe_of_help(rest, "avgdt pretrain RECIPE --data PATH --out RUN"), rest
