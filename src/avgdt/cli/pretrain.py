"""``avgdt pretrain``: learn from recordings without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from avgdt.cli.arguments import parse
from avgdt.cli.progress import bar, console
from avgdt.cli.recipe import chosen_recipe, recipe_of_help
from avgdt.recipes.named import RECIPES
from avgdt.recipes.recipe import Recipe

if TYPE_CHECKING:
    from avgdt.data.collection import Collection
    from avgdt.media.findings import Counts
    from avgdt.training.learner import Learner

USAGE = f"""Learn from recordings without labels: avgdt pretrain RECIPE --data PATH --out RUN [--any.field value].

RECIPE is one of {", ".join(RECIPES)}; --config FILE.yaml takes its place. --composition NAME sets its time shift
and reversal; `avgdt recipes` lists the names. Ctrl-C saves; --resume goes on exactly."""


@dataclass(frozen=True)
class Pretrain:
    """What, where, and every field of the recipe."""

    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    data: Path
    """Folder of recordings (looked through by content), or a manifest (csv)."""
    out: Path
    """Folder of the run: config.yaml, metrics.jsonl, checkpoints, weights.safetensors, skipped.csv."""
    resume: bool = False
    """Go on with the run in --out; RECIPE and --data are then not needed."""


def run(arguments: Sequence[str]) -> None:
    """Read the command line and pretrain with a progress bar."""
    recipe, rest = _recipe(arguments)
    data = Path() if "--resume" in rest and "--data" not in rest else tyro.MISSING
    default = Pretrain(recipe, data, tyro.MISSING)
    options = parse(Pretrain, rest, "pretrain", USAGE, default)
    pretrain_with_progress(options.recipe, options.data, options.out, options.resume)


def pretrain_with_progress(recipe: Recipe, data: Path, out: Path, resume: bool = False) -> None:
    """Pretrain, telling on the terminal how it goes."""
    from avgdt.data.collection import rows_of_files
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
            progress.update(task, total=steps, completed=learner.step, visible=True)

        def logged(metrics: dict[str, Any]) -> None:
            if metrics["kind"] == "train":
                note = f"loss {metrics['loss']:.2f}, re-identified {metrics['accuracy']:.0%}"
                progress.update(task, completed=metrics["step"], note=note)
            else:
                there, back = metrics["video_to_audio"], metrics["audio_to_video"]
                console.print(
                    f"epoch {metrics['epoch']:.0f}: of {there['candidates']} held-out recordings found by the other "
                    f"modality at rank 1: {there['r1']:.0%} and {back['r1']:.0%}, to rank 10: {there['r10']:.0%} and "
                    f"{back['r10']:.0%}"
                )

        def scanned(done: int, of: int) -> None:
            progress.update(looking, completed=done, total=of, visible=done < of)

        def counted(counts: Counts) -> None:
            if counts.changed:
                console.print(f"some files are not those that the manifest tells of: {counts}")

        try:
            weights = pretrain(recipe, data, out, resume, monitors, scanned, begun, logged, counted)
        except KeyboardInterrupt:
            console.print(f"stopped and saved; go on with: avgdt pretrain --resume --out {out}")
            raise
    console.print(f"wrote {weights}")


def _recipe(arguments: Sequence[str]) -> tuple[Recipe, list[str]]:
    """The recipe that the rest of the command line changes."""
    recipe, rest = chosen_recipe(arguments)
    if recipe is not None:
        return recipe, rest
    if "--resume" in rest and "--out" in rest[:-1]:
        from avgdt.training.pretrain import resumed_recipe

        return resumed_recipe(Path(rest[rest.index("--out") + 1])), rest
    return recipe_of_help(rest, "avgdt pretrain RECIPE --data PATH --out RUN"), rest
