"""``avgdt pretrain``: train without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from avgdt.cli.arguments import help_recipe, parse, pop_option, selected_recipe
from avgdt.progress import bar, console
from avgdt.recipes.named import RECIPES
from avgdt.recipes.recipe import Recipe
from avgdt.training.signals import advising

if TYPE_CHECKING:
    from avgdt.data.selection import Selection
    from avgdt.training.learner import Learner

USAGE = f"""Train without labels: avgdt pretrain RECIPE --data PATH --out RUN [--any.field value].

RECIPE is one of {", ".join(RECIPES)}; --config FILE.yaml reads a recipe from a file. --composition NAME sets the
time shift and reversal of the recipe; `avgdt recipes` lists the names. Ctrl-C saves the state; --resume continues from
it exactly."""


@dataclass(frozen=True)
class Pretrain:
    """Options of ``avgdt pretrain`` and all fields of the recipe."""

    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    out: Path
    """Output folder of the run, for config.yaml, metrics.jsonl, checkpoints, weights.safetensors and skipped.csv."""
    data: Path | None = None
    """Folder of recordings (files are recognised by content) or manifest (csv). With --resume: the new location of the
    recordings, if they were moved."""
    resume: bool = False
    """Whether to continue the run in --out; RECIPE and --data are then not needed. Only these fields may change: those
    of run except batch, norm_group, lr_batch and seed; optimiser.lr; optimiser.weight_decay; data.failing_at_most; and,
    unless schedule.shape is cosine, schedule.epochs and schedule.steps."""
    step: int | None = None
    """Step of the checkpoint from which --resume continues; newer checkpoints are deleted."""
    weights: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """Run folder or weights file (safetensors) with the same networks, whose weights initialise a new run."""


def run(arguments: Sequence[str]) -> None:
    """Parse the command line and pretrain with a progress bar."""
    recipe, rest = _recipe(arguments)
    options = parse(Pretrain, rest, "pretrain", USAGE, Pretrain(recipe, tyro.MISSING))

    def advice() -> str:
        from avgdt.training.checkpoints import Checkpoints
        from avgdt.training.provenance import option, own_command

        if Checkpoints(options.out).paths():
            resume = own_command("pretrain", "--resume", *option("--out", options.out))
            return f"the state is saved; resume with: {resume}"
        return f"training had not started; restart with: {own_command('pretrain', *arguments)}"

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
    """Pretrain with a progress bar, and print held-out retrieval, the verdict and the path of the weights."""
    from avgdt.data.selection import format_count
    from avgdt.data.splits import split_counts
    from avgdt.evaluation.held_out import monitors
    from avgdt.evaluation.verdict import verdict_from_file
    from avgdt.evaluation.verdict_texts import Verdict
    from avgdt.training.pretrain import Callbacks, describe_device, pretrain

    with bar() as progress:
        inspecting = progress.add_task("inspecting files", total=None, note="", visible=False)
        task = progress.add_task("training", total=None, note="", visible=False)
        resolved = recipe
        last: Verdict | None = None

        def print_verdict(final: bool = False) -> None:
            """Print the verdict if its cause, or with ``final`` its text, differs from that of the last printed one."""
            nonlocal last
            verdict = verdict_from_file(resolved, out / "metrics.jsonl")
            if verdict and (last is None or verdict.cause != last.cause or (final and str(verdict) != str(last))):
                console.print(f"verdict: {verdict}")
                last = verdict

        def on_start(learner: Learner, collection: Selection, steps: int) -> None:
            nonlocal resolved
            resolved = learner.recipe
            console.print(recipe.title)
            console.print(
                f"{format_count(collection.train)} for training, {len(collection.held_out)} held out, "
                f"{len(collection.skipped)} skipped (see {out / 'skipped.csv'}); {describe_device(learner)}"
            )
            if collection.duplicates:
                rows, verb = ("row duplicates", "is") if collection.duplicates == 1 else ("rows duplicate", "are")
                console.print(f"{collection.duplicates} {rows} another row (same file and segment) and {verb} not used")
            if others := collection.other_splits:
                one, counts = len(others) == 1, split_counts(others)
                rows, verb = ("row belongs to another split", "is") if one else ("rows belong to other splits", "are")
                console.print(f"{len(others)} {rows} ({counts}) and {verb} not used")
            progress.update(task, total=steps, completed=learner.step, visible=True)

        def on_metrics(metrics: dict[str, Any]) -> None:
            if metrics["kind"] == "train":
                note = f"loss {metrics['loss']:.2f}, re-identification accuracy {metrics['accuracy']:.0%}"
                progress.update(task, completed=metrics["step"], note=note)
            else:
                forward, backward = metrics["video_to_audio"], metrics["audio_to_video"]
                console.print(
                    f"epoch {metrics['epoch']:.0f}: retrieval among {forward['gallery']} held-out recordings: "
                    f"video to audio R@1 {forward['r1']:.0%}, R@10 {forward['r10']:.0%}; "
                    f"audio to video R@1 {backward['r1']:.0%}, R@10 {backward['r10']:.0%}"
                )
                print_verdict()

        def on_scan(done: int, of: int) -> None:
            progress.update(inspecting, completed=done, total=of, visible=done < of)

        file = pretrain(
            recipe,
            data,
            out,
            resume,
            Callbacks(monitors, on_scan, on_start, on_metrics, console.print),
            weights,
            step,
        )
        print_verdict(final=True)
    console.print(f"wrote {file}")


def _recipe(arguments: Sequence[str]) -> tuple[Recipe, list[str]]:
    """Return the recipe before the options change its fields, and the remaining arguments."""
    recipe, rest = selected_recipe(arguments)
    if recipe is not None:
        return recipe, rest
    out, _ = pop_option(rest, "--out", "RUN")
    if "--resume" in rest and out is not None:
        from avgdt.training.pretrain import resumed_recipe

        return resumed_recipe(Path(out)), rest
    return help_recipe(rest, "avgdt pretrain RECIPE --data PATH --out RUN"), rest
